import { expect, it } from 'vitest'

import type { NewInterception } from '../store/interceptions.ts'
import { logFields } from './log-fields.ts'

const INTERCEPTION: NewInterception = {
  id: 'i',
  initiatorId: 'u',
  apiKeyId: undefined,
  provider: 'openai',
  providerName: 'house',
  model: 'gpt',
  requestedModel: undefined,
  metadata: {},
  startedAt: new Date(0),
  client: 'Codex',
  clientSessionId: undefined,
  credentialKind: 'centralized',
  credentialHint: '<failover key>',
  toolCallId: undefined,
  agentFirewall: undefined,
}

it('AG-122: lines say which request they are of, and by which key it was answered once that is known', () => {
  const asked = { route: '/v1/responses', userAgent: 'codex/1', streaming: true }
  const line = {
    interception_id: 'i',
    credential_kind: 'centralized',
    credential_hint: '<failover key>',
    provider: 'house',
    route: '/v1/responses',
    model: 'gpt',
    user_agent: 'codex/1',
    streaming: true,
  }
  expect(logFields(INTERCEPTION, asked)).toEqual(line)
  expect(logFields(INTERCEPTION, { ...asked, hint: 'sk-a...z' })).toEqual({
    ...line,
    credential_hint: 'sk-a...z',
  })
})
