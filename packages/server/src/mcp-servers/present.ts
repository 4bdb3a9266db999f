import type { MCPServerConfig, MCPServerHealth } from '@slipway/contract'
import type { VisibleConfig } from './store/configs.ts'
import type { HealthRow } from './store/health.ts'

/** A config as the actor may see it: secrets are never in it (OA-100, OA-101). */
export function presentConfig(
  { row, full }: VisibleConfig,
  of: { readonly connected: boolean; readonly health: HealthRow | undefined },
): MCPServerConfig {
  const shown = (text: string): string => (full ? text : '')
  return {
    id: row.id,
    organization_id: row.organization_id,
    display_name: row.display_name,
    slug: row.slug,
    description: row.description,
    icon_url: row.icon_url,
    transport: shown(row.transport),
    url: shown(row.url),
    auth_type: row.auth_type,
    oauth2_client_id: shown(row.oauth2_client_id),
    has_oauth2_secret: row.oauth2_client_secret !== null,
    oauth2_auth_url: shown(row.oauth2_auth_url),
    oauth2_token_url: shown(row.oauth2_token_url),
    oauth2_revocation_url: shown(row.oauth2_revocation_url),
    oauth2_scopes: shown(row.oauth2_scopes),
    oauth2_issuer: shown(row.oauth2_issuer),
    api_key_header: shown(row.api_key_header),
    has_api_key: row.api_key_value !== null,
    has_custom_headers: row.custom_headers !== null,
    tool_allow_list: row.tool_allow_list,
    tool_deny_list: row.tool_deny_list,
    availability: row.availability,
    enabled: row.enabled,
    model_intent: row.model_intent,
    allow_in_plan_mode: row.allow_in_plan_mode,
    forward_coder_headers: row.forward_coder_headers,
    auth_connected: of.connected,
    health: presentHealth(of.health, full),
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  }
}

function presentHealth(row: HealthRow | undefined, full: boolean): MCPServerHealth {
  return {
    status: row?.status ?? 'unknown',
    checked_at: row?.checked_at.toISOString() ?? null,
    latency_ms: row?.latency_ms ?? 0,
    tool_count: row?.tool_count ?? 0,
    error: full ? (row?.error ?? '') : '',
    consecutive_failures: row?.consecutive_failures ?? 0,
  }
}
