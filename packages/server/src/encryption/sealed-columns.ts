/** A column whose values are sealed. */
export interface SealedColumn {
  readonly table: string
  readonly column: string
  /** Columns that name a row; all of them are texts to the reader. */
  readonly key: readonly string[]
  /** What a value of this row is bound to; the same words as where it is sealed. */
  readonly purpose: (key: Readonly<Record<string, string>>) => string
  /** What is left when the values are destroyed: nothing of the row, or the row without them. */
  readonly destroy: 'row' | 'value'
}

/**
 * Every column with sealed values, so that they can be encrypted again under another key (OP-67). Whoever seals a new
 * one adds it here; `dbcrypt.test.ts` compares the list with the sources.
 */
export const SEALED_COLUMNS: readonly SealedColumn[] = [
  {
    table: 'git_ssh_keys',
    column: 'private_key',
    key: ['user_id'],
    purpose: ({ user_id }) => `git ssh key of ${user_id}`,
    destroy: 'row',
  },
  {
    table: 'user_secrets',
    column: 'value',
    key: ['id', 'user_id'],
    purpose: ({ id, user_id }) => `secret ${id} of ${user_id}`,
    destroy: 'row',
  },
  {
    table: 'workspace_builds',
    column: 'provisioner_state',
    key: ['id', 'workspace_id'],
    purpose: ({ workspace_id }) => `provisioner state of ${workspace_id}`,
    destroy: 'value',
  },
  {
    table: 'identity_providers',
    column: 'client_secret',
    key: ['id'],
    purpose: ({ id }) => `client secret of identity provider ${id}`,
    destroy: 'value',
  },
  ...(['access', 'refresh'] as const).map(
    (kind): SealedColumn => ({
      table: 'user_links',
      column: `oauth_${kind}_token`,
      key: ['user_id', 'login_type'],
      purpose: ({ user_id, login_type }) => `${kind} token of ${login_type} sign-in of ${user_id}`,
      destroy: 'value',
    }),
  ),
  {
    table: 'oidc_sessions',
    column: 'id_token',
    key: ['key_id'],
    purpose: ({ key_id }) => `id token of session ${key_id}`,
    destroy: 'value',
  },
  {
    table: 'external_auth_links',
    column: 'tokens',
    key: ['provider_id', 'user_id'],
    purpose: ({ provider_id, user_id }) => `external auth ${provider_id} of ${user_id}`,
    destroy: 'row',
  },
  {
    table: 'user_totp',
    column: 'secret',
    key: ['user_id'],
    purpose: ({ user_id }) => `totp secret of ${user_id}`,
    destroy: 'row',
  },
  ...(['oauth2_client_secret', 'api_key_value', 'custom_headers'] as const).map(
    (column): SealedColumn => ({
      table: 'mcp_server_configs',
      column,
      key: ['id'],
      purpose: ({ id }) => `${column} of mcp server ${id}`,
      destroy: 'value',
    }),
  ),
  {
    table: 'mcp_server_user_tokens',
    column: 'tokens',
    key: ['config_id', 'user_id'],
    purpose: ({ config_id, user_id }) => `mcp server ${config_id} of ${user_id}`,
    destroy: 'row',
  },
  {
    table: 'ai_providers',
    column: 'settings',
    key: ['id'],
    purpose: ({ id }) => `settings of ai provider ${id}`,
    destroy: 'value',
  },
  {
    table: 'ai_provider_keys',
    column: 'api_key',
    key: ['id', 'provider_id'],
    purpose: ({ id, provider_id }) => `key ${id} of ai provider ${provider_id}`,
    destroy: 'row',
  },
  {
    table: 'user_ai_provider_keys',
    column: 'api_key',
    key: ['user_id', 'ai_provider_id'],
    purpose: ({ user_id, ai_provider_id }) => `key of ${user_id} for ai provider ${ai_provider_id}`,
    destroy: 'row',
  },
  ...(['guardrail_webhook_secret', 'export_webhook_secret'] as const).map(
    (column): SealedColumn => ({
      table: 'ai_gateway_settings',
      column,
      key: ['id'],
      purpose: () => `${column} of the ai gateway`,
      destroy: 'value',
    }),
  ),
  {
    table: 'webpush_keys',
    column: 'private_key',
    key: ['public_key'],
    purpose: ({ public_key }) => `webpush private key of ${public_key}`,
    destroy: 'row',
  },
  {
    table: 'webpush_subscriptions',
    column: 'auth_key',
    key: ['endpoint'],
    purpose: ({ endpoint }) => `webpush auth key of ${endpoint}`,
    destroy: 'row',
  },
]
