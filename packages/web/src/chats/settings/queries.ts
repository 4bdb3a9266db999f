import { queryOptions } from '@tanstack/react-query'

import { getChatCompactionThresholds, getChatUserPrompt, listUserAIProviderKeys } from '@slipway/contract'
import { api } from '../../api/client.ts'

export const ownPromptQuery = queryOptions({
  queryKey: ['chat-own-prompt'],
  queryFn: ({ signal }) => api.call(getChatUserPrompt, { signal }),
})

export const thresholdsQuery = queryOptions({
  queryKey: ['chat-thresholds'],
  queryFn: ({ signal }) => api.call(getChatCompactionThresholds, { signal }),
})

export const ownKeysQuery = queryOptions({
  queryKey: ['own-provider-keys'],
  queryFn: ({ signal }) => api.call(listUserAIProviderKeys, { params: { user: 'me' }, signal }),
})
