import { queryOptions } from '@tanstack/react-query'

import {
  type ChatModelOverrideContext,
  getChatAutoArchiveDays,
  getChatModelOverride,
  getChatPersonalModelOverrides,
  getChatPlanModeInstructions,
  getChatRetentionDays,
  getChatSystemPrompt,
  getChatWorkspaceTtl,
} from '@slipway/contract'
import { api } from '../api/client.ts'

export const systemPromptQuery = queryOptions({
  queryKey: ['chat-config', 'system-prompt'],
  queryFn: ({ signal }) => api.call(getChatSystemPrompt, { signal }),
})

export const planInstructionsQuery = queryOptions({
  queryKey: ['chat-config', 'plan-mode-instructions'],
  queryFn: ({ signal }) => api.call(getChatPlanModeInstructions, { signal }),
})

export function modelOverrideQuery(context: ChatModelOverrideContext) {
  return queryOptions({
    queryKey: ['chat-config', 'model-override', context],
    queryFn: ({ signal }) => api.call(getChatModelOverride, { params: { context }, signal }),
  })
}

export const personalOverridesQuery = queryOptions({
  queryKey: ['chat-config', 'personal-model-overrides'],
  queryFn: ({ signal }) => api.call(getChatPersonalModelOverrides, { signal }),
})

/** Times of chats: how long they are kept, and how long their workspaces run. */
export const lifecycleQuery = queryOptions({
  queryKey: ['chat-config', 'lifecycle'],
  queryFn: async ({ signal }) => {
    const [{ retention_days }, { auto_archive_days }, { workspace_ttl_ms }] = await Promise.all([
      api.call(getChatRetentionDays, { signal }),
      api.call(getChatAutoArchiveDays, { signal }),
      api.call(getChatWorkspaceTtl, { signal }),
    ])
    return { retention_days, auto_archive_days, workspace_ttl_ms }
  },
})
