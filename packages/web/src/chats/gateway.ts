import { takeEmbedded } from '../api/embedded.ts'

/** Whether models can be reached at all, as the server says in the page (UI-102, UI-1103). */
export const GATEWAY_ENABLED = takeEmbedded<boolean>('ai-gateway-enabled') !== false
