use crate::finding::{Report, ReportPlan};
use crate::report::html;
use crate::report::html::plot::Plot;
use crate::report::plan_tree::tests::real_plans;
use crate::report::tests::{QUERY, missing_index, report};

/// Everything but the style and the script, which are files of their own.
fn without_style_and_script(page: &str) -> String {
    let parts =
        regex::Regex::new(r"(?s)(<style>|<script>|sha256-).*?(</style>|</script>|&#39;)").unwrap();
    parts.replace_all(page, "$1…$2").into_owned()
}

const HOSTILE: &str = "SELECT '</script></style><img src=x onerror=alert(1)>' \"' autofocus onfocus=alert(2) x='\" -- {{ 7*7 }}";

#[test]
fn html_page() {
    let page = html::render(&report(vec![missing_index(QUERY)])).unwrap();
    insta::assert_snapshot!(without_style_and_script(&page));
}

#[test]
fn text_of_others_stays_text() {
    let mut finding = missing_index(HOSTILE);
    finding.title = HOSTILE.to_owned();
    finding.impact.text = HOSTILE.to_owned();
    finding.fix = HOSTILE.to_owned();
    finding.id = HOSTILE.to_owned();
    finding.evidence[0].label = HOSTILE.to_owned();
    let advice = &mut finding.recommendation;
    advice.ddl = vec![HOSTILE.to_owned()];
    advice.rollback = vec![HOSTILE.to_owned()];
    advice.expected.text = HOSTILE.to_owned();
    advice.risk.text = HOSTILE.to_owned();
    let mut report = report(vec![finding]);
    report.summary = HOSTILE.to_owned();
    let target = report.target.as_mut().unwrap();
    target.database = HOSTILE.to_owned();
    target.role = HOSTILE.to_owned();
    report.statements[0].query = HOSTILE.repeat(20);
    report.statements[0].probe.reason = Some(HOSTILE.to_owned());
    report.skipped[0].reason = HOSTILE.to_owned();
    report.skipped[0].remedy = Some(HOSTILE.to_owned());
    report.probed_plans = vec![hostile_plan()];
    let page = html::render(&report).unwrap();
    assert_only_own_tags(&page);
    assert_eq!(
        page.matches("onerror").count(),
        page.matches("&#60;img src=x onerror").count()
    );
    assert!(!page.contains("\" autofocus"));
}

/// Whatever was put in, only tags that the templates have come out, and one script and one style.
fn assert_only_own_tags(page: &str) {
    for (tag, times) in [
        ("<script", 1),
        ("</script", 1),
        ("<style", 1),
        ("</style", 1),
        ("<img", 0),
    ] {
        assert_eq!(page.matches(tag).count(), times, "{tag}");
    }
}

#[test]
fn nothing_is_loaded_from_elsewhere() {
    let page = html::render(&report(vec![missing_index(QUERY)])).unwrap();
    for reference in [
        "http:", "https:", "url(", "@import", "src=", "<link", "<iframe", "fetch(", "import(",
    ] {
        assert!(!page.contains(reference), "{reference}");
    }
    for link in page.split("href=\"").skip(1) {
        assert!(link.starts_with('#'), "{}", &link[..30]);
    }
}

#[test]
fn the_policy_allows_the_style_and_the_script_of_the_page() {
    use base64::Engine as _;
    use sha2::Digest as _;
    let page = html::render(&report(vec![missing_index(QUERY)])).unwrap();
    for tag in ["style", "script"] {
        let (_, rest) = page.split_once(&format!("<{tag}>")).unwrap();
        let (content, _) = rest.split_once(&format!("</{tag}>")).unwrap();
        let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(content));
        let allowed = format!("{tag}-src &#39;sha256-{hash}&#39;");
        assert!(page.contains(&allowed), "{tag}: {allowed}");
    }
    assert!(
        !page.contains("style=\""),
        "inline styles are against the policy"
    );
}

#[test]
fn links_lead_somewhere() {
    let page = html::render(&report(vec![missing_index(QUERY); 3])).unwrap();
    for link in page.split("href=\"#").skip(1) {
        let target = link.split('"').next().unwrap();
        let found = page.matches(&format!("id=\"{target}\"")).count();
        assert_eq!(found, 1, "#{target}");
    }
}

#[test]
fn five_hundred_statements_fit_into_a_mail() {
    let mut report = report(vec![missing_index(QUERY); 40]);
    let mut statement = report.statements[0].clone();
    statement.query = QUERY.repeat(40);
    report.statements = vec![statement; 500];
    let page = html::render(&report).unwrap();
    assert!(page.len() < 3_000_000, "{} bytes", page.len());
    assert_eq!(page.matches("<tr class=\"more\">").count(), 475);
}

fn hostile_plan() -> ReportPlan {
    let (_, mut record) = real_plans(15).remove(0);
    record.plan = serde_json::json!({"Plan": {
        "Node Type": HOSTILE, "Relation Name": HOSTILE, "Schema": HOSTILE, "Alias": HOSTILE, "Index Name": HOSTILE,
        "Subplan Name": HOSTILE, "Filter": HOSTILE, "Sort Key": [HOSTILE], "Sort Method": HOSTILE, "Sort Space Used": 1,
        "Sort Space Type": "Disk", "Actual Rows": 1, "Actual Loops": 1, "Actual Total Time": 1.0, "Plan Rows": 1,
        "Startup Cost": 0.0, "Total Cost": 1.0, "Plan Width": 1
    }, "Triggers": [{"Trigger Name": HOSTILE, "Time": 1.0, "Calls": 1}]});
    record.parameters = vec![crate::snapshot::ParameterValue {
        number: 1,
        type_name: HOSTILE.to_owned(),
        value: Some(HOSTILE.to_owned()),
        origin: HOSTILE.to_owned(),
        observed: true,
    }];
    ReportPlan {
        query: Some(HOSTILE.to_owned()),
        runs: None,
        record,
    }
}

fn with_plans(major: u32) -> Report {
    let mut report = report(vec![missing_index(QUERY)]);
    let plans = real_plans(major).into_iter();
    report.probed_plans = plans
        .map(|(name, record)| ReportPlan {
            query: Some(name),
            runs: None,
            record,
        })
        .collect();
    report
}

#[test]
fn plans_of_every_version_are_drawn_whole() {
    for major in 13..=18 {
        let report = with_plans(major);
        let page = html::render(&report).unwrap();
        let (_, plans) = page.split_once("<h2 id=\"plans-title\">").unwrap();
        let (plans, _) = plans.split_once("<h2 id=\"unseen-title\">").unwrap();
        for tag in ["ul", "li", "details", "svg", "div", "article"] {
            let count = |end: &str| plans.matches(end).count();
            let opened = count(&format!("<{tag} ")) + count(&format!("<{tag}>"));
            assert_eq!(opened, count(&format!("</{tag}>")), "{major}: {tag}");
        }
        let nodes: usize = report
            .probed_plans
            .iter()
            .map(|plan| node_count(&plan.record.plan))
            .sum();
        assert_eq!(plans.matches("<li id=\"plan-").count(), nodes, "{major}");
        assert!(!page.contains("NaN") && !page.contains("inf%"), "{major}");
    }
}

fn node_count(value: &serde_json::Value) -> usize {
    crate::plan::Plan::parse(value).unwrap().node_count()
}

#[test]
fn an_explained_statement_has_its_plan_and_no_table_of_statements() {
    let mut report = with_plans(15);
    report.plans = std::mem::take(&mut report.probed_plans);
    let page = html::render(&report).unwrap();
    assert!(page.contains("id=\"plans\""));
    assert!(!page.contains("id=\"statements\""));
}

#[test]
fn a_plan_without_times_shows_its_cost() {
    let page = |name: &str| {
        let mut report = with_plans(15);
        let named = |plan: &ReportPlan| plan.query.as_deref() == Some(name);
        report.probed_plans.retain(named);
        html::render(&report).unwrap()
    };
    assert!(page("explain_plain").contains("class=\"pick-cost\" checked"));
    assert!(!page("hash_join").contains("class=\"pick-cost\""));
}

#[test]
fn findings_and_nodes_link_to_each_other() {
    let mut report = report(vec![missing_index(QUERY)]);
    let (_, record) = real_plans(15)
        .into_iter()
        .find(|(name, _)| name == "seq_scan_filter")
        .unwrap();
    report.probed_plans = vec![ReportPlan {
        query: Some(QUERY.to_owned()),
        runs: None,
        record,
    }];
    let page = html::render(&report).unwrap();
    let to_node = page.split("href=\"#plan-1-node-").nth(1).unwrap();
    let place = to_node.split('"').next().unwrap();
    let (_, node) = page
        .split_once(&format!("<li id=\"plan-1-node-{place}\""))
        .unwrap();
    let (node, _) = node.split_once("</li>").unwrap();
    assert!(node.contains("href=\"#finding-1\""), "{node}");
}

#[test]
fn families_are_plotted_where_their_numbers_are() {
    let mut report = report(vec![missing_index(QUERY)]);
    let first = report.statements.remove(0);
    for (calls, mean) in [
        (92_011, 70.4),
        (1, 0.0042),
        (10, 100.0),
        (1_000_000, 0.05),
        (0, 1.0),
    ] {
        let mut family = first.clone();
        family.calls = calls;
        family.mean_exec_time_ms = Some(crate::units::Millis(mean));
        if calls != 92_011 {
            family.members = Vec::new();
        }
        report.statements.push(family);
    }
    let leads: Vec<&crate::finding::Finding> = report.bottlenecks.iter().collect();
    let plot = Plot::of(&report, &leads).unwrap();
    let found: Vec<Option<usize>> = plot.circles.iter().map(|circle| circle.finding).collect();
    assert_eq!(
        found,
        [Some(1), None, None, None],
        "a family without calls has no place"
    );
    assert!(plot.circles[3].x > plot.circles[0].x && plot.circles[0].x > plot.circles[1].x);
    assert!(plot.circles[2].y < plot.circles[0].y && plot.circles[0].y < plot.circles[1].y);
    let labels: Vec<&str> = plot.times.iter().map(|tick| tick.label.as_str()).collect();
    assert_eq!(labels, ["0.01 ms", "0.1 ms", "1 ms", "10.0 ms", "100 ms"]);
    report.statements.truncate(3);
    assert!(
        Plot::of(&report, &[]).is_none(),
        "three families are better read"
    );
}
