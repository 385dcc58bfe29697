extension Templates {
    /// The files, by name.
    static let sources: [String: String] = [
        "as-of": PackageResources.as_of_mustache, "attention": PackageResources.attention_mustache,
        "audit": PackageResources.audit_mustache,
        "breakers": PackageResources.breakers_mustache, "chip": PackageResources.chip_mustache,
        "choose": PackageResources.choose_mustache,
        "dead-letters": PackageResources.dead_letters_mustache, "empty": PackageResources.empty_mustache,
        "error": PackageResources.error_mustache, "flash": PackageResources.flash_mustache, "forecast": PackageResources.forecast_mustache,
        "foot": PackageResources.foot_mustache,
        "head": PackageResources.head_mustache, "job": PackageResources.job_mustache, "jobs": PackageResources.jobs_mustache,
        "keys": PackageResources.keys_mustache, "lead": PackageResources.lead_mustache, "leads": PackageResources.leads_mustache,
        "now": PackageResources.now_mustache, "option": PackageResources.option_mustache, "overdue": PackageResources.overdue_mustache,
        "overview": PackageResources.overview_mustache,
        "pack": PackageResources.pack_mustache, "pager": PackageResources.pager_mustache,
        "permissions": PackageResources.permissions_mustache,
        "preferences": PackageResources.preferences_mustache, "problem": PackageResources.problem_mustache,
        "process-health": PackageResources.process_health_mustache, "reason": PackageResources.reason_mustache,
        "replay": PackageResources.replay_mustache, "rollout": PackageResources.rollout_mustache,
        "rollouts": PackageResources.rollouts_mustache, "round": PackageResources.round_mustache,
        "forecast-deals": PackageResources.forecast_deals_mustache,
        "rule": PackageResources.rule_mustache,
        "rule-check": PackageResources.rule_check_mustache, "rules": PackageResources.rules_mustache,
        "save": PackageResources.save_mustache, "signin": PackageResources.signin_mustache,
        "tenants": PackageResources.tenants_mustache, "top": PackageResources.top_mustache, "when": PackageResources.when_mustache,
        "words": PackageResources.words_mustache,
        "workers": PackageResources.workers_mustache,
    ].mapValues { String(decoding: $0, as: UTF8.self) }
}
