import type { Chat } from '@slipway/contract'

/** A chat for tests of pure functions. */
export function chatOf(more: Partial<Chat> & { readonly id: string }): Chat {
  return {
    organization_id: 'org',
    owner_id: 'me',
    root_chat_id: more.id,
    last_model_config_id: 'model',
    title: more.id,
    status: 'waiting',
    last_turn_summary: null,
    summary: null,
    client_type: 'ui',
    created_at: '2026-11-20T10:00:00Z',
    updated_at: '2026-11-20T10:00:00Z',
    archived: false,
    shared: false,
    pin_order: 0,
    mcp_server_ids: [],
    labels: {},
    has_unread: false,
    children: [],
    ...more,
  }
}
