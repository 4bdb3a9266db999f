/** A token that can be told by how it looks. */
export interface SecretShape {
  readonly kind: string
  /**
   * Part of a regular expression. It begins with letters of its own and repeats nothing without a bound, so that the time
   * for a text is linear.
   */
  readonly source: string
  /** Whether it may follow a dash; those that hold dashes themselves may not, or a text of dashes would take long. */
  readonly dashed?: true
}

/** Tokens of clouds, hosts of repositories, model providers and others that have shapes of their own (AG-B17). */
export const SECRET_SHAPES: readonly SecretShape[] = [
  { kind: 'aws_access_key', source: '(?:AKIA|ASIA)[A-Z2-7]{16}(?!\\w)' },
  {
    kind: 'aws_secret_key',
    // The name before it stays, so that what it stands in keeps its form.
    source:
      '[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])(?<=(?:secret_?access_?key|SECRET_?ACCESS_?KEY|[sS]ecretAccessKey)["\']?\\s{0,8}[=:]\\s{0,8}["\']?.{40})',
  },
  { kind: 'google_api_key', source: 'AIza[\\w-]{35}(?![\\w-])' },
  { kind: 'google_oauth_token', source: 'ya29\\.[\\w-]{20,1024}' },
  { kind: 'azure_storage_key', source: 'AccountKey=[A-Za-z0-9+/]{86}==' },
  { kind: 'github_token', source: 'gh[pousr]_[A-Za-z0-9]{36,255}' },
  { kind: 'github_token', source: 'github_pat_\\w{22,255}' },
  {
    kind: 'gitlab_token',
    source: 'gl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|oas|imt)-[\\w-]{20,255}',
    dashed: true,
  },
  { kind: 'bitbucket_token', source: 'ATBB[A-Za-z0-9]{32}(?!\\w)' },
  { kind: 'atlassian_token', source: 'ATATT3[\\w=-]{100,400}' },
  { kind: 'anthropic_key', source: 'sk-ant-[\\w-]{20,255}', dashed: true },
  { kind: 'openai_key', source: 'sk-(?:proj|svcacct|admin|None)-[\\w-]{20,255}', dashed: true },
  { kind: 'openrouter_key', source: 'sk-or-v1-[a-f0-9]{64}', dashed: true },
  { kind: 'model_provider_key', source: 'sk-[A-Za-z0-9]{32,96}(?![\\w-])', dashed: true },
  { kind: 'groq_key', source: 'gsk_[A-Za-z0-9]{40,64}' },
  { kind: 'hugging_face_token', source: 'hf_[A-Za-z0-9]{30,64}' },
  { kind: 'xai_key', source: 'xai-[A-Za-z0-9]{60,120}', dashed: true },
  { kind: 'replicate_token', source: 'r8_[A-Za-z0-9]{37}' },
  { kind: 'perplexity_key', source: 'pplx-[A-Za-z0-9]{40,64}', dashed: true },
  { kind: 'slack_token', source: 'xox[abeoprs]-[A-Za-z0-9-]{10,250}', dashed: true },
  { kind: 'slack_token', source: 'xapp-\\d-[A-Za-z0-9-]{10,250}', dashed: true },
  { kind: 'slack_webhook', source: 'https://hooks\\.slack\\.com/services/\\w{8,16}/\\w{8,16}/\\w{16,32}' },
  { kind: 'stripe_key', source: '[rs]k_(?:live|test)_[A-Za-z0-9]{16,255}' },
  { kind: 'npm_token', source: 'npm_[A-Za-z0-9]{36}' },
  { kind: 'pypi_token', source: 'pypi-AgE[\\w-]{50,512}', dashed: true },
  { kind: 'sendgrid_key', source: 'SG\\.[\\w-]{16,32}\\.[\\w-]{32,64}' },
  { kind: 'digitalocean_token', source: 'do[opr]_v1_[a-f0-9]{64}' },
  { kind: 'docker_token', source: 'dckr_pat_[\\w-]{20,64}' },
  { kind: 'databricks_token', source: 'dapi[a-f0-9]{32}(?!\\w)' },
  { kind: 'vault_token', source: 'hvs\\.[\\w-]{24,255}' },
  { kind: 'age_key', source: 'AGE-SECRET-KEY-1[A-Z0-9]{58}', dashed: true },
  { kind: 'shopify_token', source: 'shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}' },
  { kind: 'linear_key', source: 'lin_api_[A-Za-z0-9]{40}' },
  { kind: 'twilio_key', source: 'SK[a-f0-9]{32}(?!\\w)' },
  {
    kind: 'json_web_token',
    source: 'eyJ[\\w-]{10,4096}\\.eyJ[\\w-]{10,8192}\\.[\\w-]{10,2048}',
    dashed: true,
  },
  {
    kind: 'url_password',
    source:
      '(?:https?|postgres(?:ql)?|mysql|mongodb(?:\\+srv)?|rediss?|amqps?|ftp|ssh)://[^\\s/:@"\']{1,64}:[^\\s/:@"\']{3,128}@',
  },
  // Of this deployment: ten characters that name the key, and its secret.
  {
    kind: 'slipway_token',
    source:
      '(?=[\\w-]{0,32}\\d)(?=[\\w-]{0,32}[A-Z])(?=[\\w-]{0,32}[a-z])[A-Za-z0-9]{10}-[A-Za-z0-9]{22}(?![\\w-])',
    dashed: true,
  },
  { kind: 'slipway_token', source: 'coder_[A-Za-z0-9]{10}_[A-Za-z0-9]{22,64}' },
]

/** What tells of a person, where records are to hold nothing of that kind (AG-B16). */
export const PERSONAL_SHAPES: readonly SecretShape[] = [
  {
    kind: 'email',
    source: '[A-Za-z0-9][\\w.%+]{0,63}@[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}\\.){1,4}[A-Za-z]{2,24}',
  },
  {
    kind: 'email',
    source: '[A-Za-z0-9][\\w.%+-]{0,63}@[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}\\.){1,4}[A-Za-z]{2,24}',
    dashed: true,
  },
  // As American Express prints them.
  { kind: 'card_number', source: '3[47]\\d{2}[ -]\\d{6}[ -]\\d{5}(?!\\d)' },
  { kind: 'card_number', source: '\\d{4}(?:[ -]?\\d{4}){2}[ -]?\\d{1,7}(?!\\d)' },
  { kind: 'iban', source: '[A-Z]{2}\\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?(?!\\w)' },
  { kind: 'social_security_number', source: '\\d{3}-\\d{2}-\\d{4}(?![\\w-])' },
  { kind: 'phone_number', source: '\\+\\d{1,3}(?:[ ().-]{0,2}\\d{1,4}){3,6}(?!\\d)' },
]
