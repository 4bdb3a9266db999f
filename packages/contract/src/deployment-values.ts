import { Type } from 'typebox'

const Ai = Type.Object({
  aibridge_proxy: Type.Object({
    allowed_private_cidrs: Type.Array(Type.String()),
    api_dump_dir: Type.String(),
    cert_file: Type.String(),
    domain_allowlist: Type.Array(Type.String()),
    enabled: Type.Boolean(),
    key_file: Type.String(),
    listen_addr: Type.String(),
    target: Type.String(),
    tls_cert_file: Type.String(),
    tls_key_file: Type.String(),
    upstream_proxy: Type.String(),
    upstream_proxy_ca: Type.String(),
  }),
  bridge: Type.Object({
    allow_byok: Type.Boolean(),
    anthropic: Type.Object({ base_url: Type.String(), key: Type.String() }),
    api_dump_dir: Type.String(),
    bedrock: Type.Object({
      access_key: Type.String(),
      access_key_secret: Type.String(),
      base_url: Type.String(),
      model: Type.String(),
      region: Type.String(),
      small_fast_model: Type.String(),
    }),
    budget_period: Type.String(),
    budget_policy: Type.String(),
    circuit_breaker_enabled: Type.Boolean(),
    circuit_breaker_failure_threshold: Type.Integer(),
    circuit_breaker_interval: Type.Integer(),
    circuit_breaker_max_requests: Type.Integer(),
    circuit_breaker_timeout: Type.Integer(),
    enabled: Type.Boolean(),
    inject_coder_mcp_tools: Type.Boolean(),
    max_concurrency: Type.Integer(),
    openai: Type.Object({ base_url: Type.String(), key: Type.String() }),
    providers: Type.Array(
      Type.Object({
        type: Type.String(),
        name: Type.String(),
        base_url: Type.String(),
        bedrock_region: Type.String(),
        bedrock_model: Type.String(),
        bedrock_small_fast_model: Type.String(),
      }),
    ),
    rate_limit: Type.Integer(),
    retention: Type.Integer(),
    send_actor_headers: Type.Boolean(),
    structured_logging: Type.Boolean(),
  }),
  chat: Type.Object({
    acquire_batch_size: Type.Integer(),
    debug_logging_enabled: Type.Boolean(),
    hook_allow_insecure: Type.Boolean(),
    hook_enabled: Type.Boolean(),
    hook_secret: Type.String(),
    hook_timeout: Type.Integer(),
    hook_url: Type.String(),
  }),
})

const Cluster = Type.Object({ host: Type.String() })

const ConfigSsh = Type.Object({ deploymentName: Type.String(), sshconfigOptions: Type.Array(Type.String()) })

const Dangerous = Type.Object({
  allow_all_cors: Type.Boolean(),
  allow_path_app_sharing: Type.Boolean(),
  allow_path_app_site_owner_access: Type.Boolean(),
})

const Derp = Type.Object({
  config: Type.Object({
    block_direct: Type.Boolean(),
    force_websockets: Type.Boolean(),
    path: Type.String(),
    url: Type.String(),
  }),
  server: Type.Object({
    enable: Type.Boolean(),
    region_code: Type.String(),
    region_id: Type.Integer(),
    region_name: Type.String(),
    relay_url: Type.String(),
    stun_addresses: Type.Array(Type.String()),
  }),
})

const Healthcheck = Type.Object({ refresh: Type.Integer(), threshold_database: Type.Integer() })

const HttpCookies = Type.Object({
  host_prefix: Type.Boolean(),
  same_site: Type.String(),
  secure_auth_cookie: Type.Boolean(),
})

const Logging = Type.Object({
  human: Type.String(),
  json: Type.String(),
  log_filter: Type.Array(Type.String()),
  stackdriver: Type.String(),
})

const Notifications = Type.Object({
  dispatch_timeout: Type.Integer(),
  email: Type.Object({
    auth: Type.Object({
      identity: Type.String(),
      password: Type.String(),
      password_file: Type.String(),
      username: Type.String(),
    }),
    force_tls: Type.Boolean(),
    from: Type.String(),
    hello: Type.String(),
    smarthost: Type.String(),
    tls: Type.Object({
      ca_file: Type.String(),
      cert_file: Type.String(),
      insecure_skip_verify: Type.Boolean(),
      key_file: Type.String(),
      server_name: Type.String(),
      start_tls: Type.Boolean(),
    }),
  }),
  fetch_interval: Type.Integer(),
  inbox: Type.Object({ enabled: Type.Boolean() }),
  lease_count: Type.Integer(),
  lease_period: Type.Integer(),
  max_send_attempts: Type.Integer(),
  method: Type.String(),
  retry_interval: Type.Integer(),
  sync_buffer_size: Type.Integer(),
  sync_interval: Type.Integer(),
  webhook: Type.Object({ endpoint: Type.String() }),
})

const Oauth2 = Type.Object({
  github: Type.Object({
    allow_everyone: Type.Boolean(),
    allow_signups: Type.Boolean(),
    allowed_orgs: Type.Array(Type.String()),
    allowed_teams: Type.Array(Type.String()),
    client_id: Type.String(),
    client_secret: Type.String(),
    default_provider_enable: Type.Boolean(),
    device_flow: Type.Boolean(),
    enterprise_base_url: Type.String(),
  }),
})

const Oidc = Type.Object({
  allow_signups: Type.Boolean(),
  auth_url_params: Type.Object({ access_type: Type.String() }),
  auto_repair_links: Type.Boolean(),
  client_cert_file: Type.String(),
  client_id: Type.String(),
  client_key_file: Type.String(),
  client_secret: Type.String(),
  email_domain: Type.Array(Type.String()),
  email_fallback: Type.Boolean(),
  email_field: Type.String(),
  group_allow_list: Type.Array(Type.String()),
  group_auto_create: Type.Boolean(),
  group_mapping: Type.Record(Type.String(), Type.Unknown()),
  group_regex_filter: Type.String(),
  groups_field: Type.String(),
  icon_url: Type.String(),
  ignore_email_verified: Type.Boolean(),
  ignore_user_info: Type.Boolean(),
  issuer_url: Type.String(),
  name_field: Type.String(),
  organization_assign_default: Type.Boolean(),
  organization_field: Type.String(),
  organization_mapping: Type.Record(Type.String(), Type.Unknown()),
  redirect_allowed_hosts: Type.Array(Type.String()),
  redirect_url: Type.String(),
  scopes: Type.Array(Type.String()),
  sign_in_text: Type.String(),
  signups_disabled_text: Type.String(),
  skip_issuer_checks: Type.Boolean(),
  source_user_info_from_access_token: Type.Boolean(),
  user_role_field: Type.String(),
  user_role_mapping: Type.Record(Type.String(), Type.Unknown()),
  user_roles_default: Type.Array(Type.String()),
  username_field: Type.String(),
})

const Pprof = Type.Object({ address: Type.String(), enable: Type.Boolean() })

const Prometheus = Type.Object({
  address: Type.String(),
  aggregate_agent_stats_by: Type.Array(Type.String()),
  collect_agent_stats: Type.Boolean(),
  collect_db_metrics: Type.Boolean(),
  enable: Type.Boolean(),
})

const Provisioner = Type.Object({
  daemon_poll_interval: Type.Integer(),
  daemon_poll_jitter: Type.Integer(),
  daemon_psk: Type.String(),
  daemon_types: Type.Array(Type.String()),
  daemons: Type.Integer(),
  force_cancel_interval: Type.Integer(),
})

const RateLimit = Type.Object({ api: Type.Integer(), disable_all: Type.Boolean() })

const Retention = Type.Object({
  api_keys: Type.Integer(),
  audit_logs: Type.Integer(),
  boundary_logs: Type.Integer(),
  connection_logs: Type.Integer(),
  workspace_agent_logs: Type.Integer(),
})

const SessionLifetime = Type.Object({
  default_duration: Type.Integer(),
  default_token_lifetime: Type.Integer(),
  disable_expiry_refresh: Type.Boolean(),
  max_admin_token_lifetime: Type.Integer(),
  max_token_lifetime: Type.Integer(),
  refresh_default_duration: Type.Integer(),
})

const StatsCollection = Type.Object({ usage_stats: Type.Object({ enable: Type.Boolean() }) })

const Support = Type.Object({ links: Type.Array(Type.Unknown()) })

const Swagger = Type.Object({ enable: Type.Boolean() })

const Telemetry = Type.Object({ enable: Type.Boolean(), url: Type.String() })

const TemplateBuilder = Type.Object({ disabled: Type.Boolean(), registry_url: Type.String() })

const Tls = Type.Object({
  address: Type.String(),
  allow_insecure_ciphers: Type.Boolean(),
  cert_file: Type.Array(Type.String()),
  client_auth: Type.String(),
  client_ca_file: Type.String(),
  client_cert_file: Type.String(),
  client_key_file: Type.String(),
  enable: Type.Boolean(),
  key_file: Type.Array(Type.String()),
  min_version: Type.String(),
  redirect_http: Type.Boolean(),
  supported_ciphers: Type.Array(Type.String()),
})

const Trace = Type.Object({
  capture_logs: Type.Boolean(),
  data_dog: Type.Boolean(),
  enable: Type.Boolean(),
  honeycomb_api_key: Type.String(),
})

const UserQuietHoursSchedule = Type.Object({
  allow_user_custom: Type.Boolean(),
  default_schedule: Type.String(),
})

const WorkspacePrebuilds = Type.Object({
  failure_hard_limit: Type.Integer(),
  reconciliation_backoff_interval: Type.Integer(),
  reconciliation_backoff_lookback: Type.Integer(),
  reconciliation_interval: Type.Integer(),
})

/**
 * The values of the configuration, each at the place that clients know it by (OP-10). Durations are nanoseconds, addresses
 * are texts, secrets are empty (OP-11).
 */
export const DeploymentValues = Type.Object({
  access_url: Type.String(),
  additional_csp_policy: Type.Array(Type.String()),
  address: Type.String(),
  agent_fallback_troubleshooting_url: Type.String(),
  agent_stat_refresh_interval: Type.Integer(),
  ai: Ai,
  allow_workspace_renames: Type.Boolean(),
  autobuild_poll_interval: Type.Integer(),
  browser_only: Type.Boolean(),
  cache_directory: Type.String(),
  cli_upgrade_message: Type.String(),
  cluster: Cluster,
  config: Type.String(),
  config_ssh: ConfigSsh,
  dangerous: Dangerous,
  derp: Derp,
  disable_chat_sharing: Type.Boolean(),
  disable_owner_workspace_exec: Type.Boolean(),
  disable_password_auth: Type.Boolean(),
  disable_path_apps: Type.Boolean(),
  disable_workspace_sharing: Type.Boolean(),
  docs_url: Type.String(),
  enable_ai_tasks: Type.Boolean(),
  enable_authz_recording: Type.Boolean(),
  enable_terraform_debug_mode: Type.Boolean(),
  ephemeral_deployment: Type.Boolean(),
  experiments: Type.Array(Type.String()),
  external_auth: Type.Array(Type.Unknown()),
  external_auth_github_default_provider_enable: Type.Boolean(),
  external_token_encryption_keys: Type.Array(Type.String()),
  healthcheck: Healthcheck,
  http_address: Type.String(),
  http_cookies: HttpCookies,
  job_hang_detector_interval: Type.Integer(),
  logging: Logging,
  metrics_cache_refresh_interval: Type.Integer(),
  notifications: Notifications,
  oauth2: Oauth2,
  oidc: Oidc,
  pg_auth: Type.String(),
  pg_conn_max_idle: Type.String(),
  pg_conn_max_open: Type.Integer(),
  pg_connection_url: Type.String(),
  pprof: Pprof,
  prometheus: Prometheus,
  provisioner: Provisioner,
  proxy_health_status_interval: Type.Integer(),
  proxy_trusted_headers: Type.Array(Type.String()),
  proxy_trusted_origins: Type.Array(Type.String()),
  rate_limit: RateLimit,
  redirect_to_access_url: Type.Boolean(),
  retention: Retention,
  scim_api_key: Type.String(),
  scim_use_legacy: Type.Boolean(),
  session_lifetime: SessionLifetime,
  ssh_keygen_algorithm: Type.String(),
  stats_collection: StatsCollection,
  strict_transport_security: Type.Integer(),
  strict_transport_security_options: Type.Array(Type.String()),
  support: Support,
  swagger: Swagger,
  telemetry: Telemetry,
  template_builder: TemplateBuilder,
  terms_of_service_url: Type.String(),
  tls: Tls,
  trace: Trace,
  update_check: Type.Boolean(),
  user_quiet_hours_schedule: UserQuietHoursSchedule,
  verbose: Type.Boolean(),
  web_terminal_renderer: Type.String(),
  wgtunnel_host: Type.String(),
  wildcard_access_url: Type.String(),
  workspace_hostname_suffix: Type.String(),
  workspace_prebuilds: WorkspacePrebuilds,
  write_config: Type.Boolean(),
})
