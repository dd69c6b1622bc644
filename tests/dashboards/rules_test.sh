#!/bin/sh
# The alert rules as promtool reads them, and what each is raised by.
top=${srcdir:-.}
rules=$top/dashboards/prometheus/apnwatch.rules.yml
promtool check rules "$rules" || exit 1
promtool check config "$top/dashboards/prometheus/apnwatch.scrape.yml" || exit 1
promtool test rules "$top/tests/dashboards/apnwatch.rules.test.yml" || exit 1

# Every rule is raised by some case.
failed=0
for name in $(sed -n 's/^ *- alert: *//p' "$rules"); do
        grep -A 3 "alertname: $name\$" "$top/tests/dashboards/apnwatch.rules.test.yml" | grep -q exp_labels || { echo "no case raises $name"; failed=1; }
done
exit "$failed"
