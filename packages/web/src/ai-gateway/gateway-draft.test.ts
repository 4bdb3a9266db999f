import { expect, it } from 'vitest'

import type { AIGatewaySettings } from '@slipway/contract'
import { gatewayChange, gatewayDraft, gatewayFaults, linesOf } from './gateway-draft.ts'

const STORED: AIGatewaySettings = {
  budget_period: 'month',
  budget_policy: 'highest',
  budget_enforced: true,
  budget_reservations: false,
  block_unpriced_models: false,
  max_concurrency_per_user: 0,
  queue_length: 0,
  queue_timeout_ms: 0,
  initiator_label: true,
  guardrails: {
    secrets: 'off',
    patterns: ['corp-[0-9]{8}'],
    webhook_url: '',
    webhook_timeout_ms: 200,
    webhook_fail_open: true,
    webhook_secret_set: true,
  },
  record_fail_open: false,
  export_webhook_url: '',
  export_format: 'json',
  export_webhook_secret_set: false,
  trace_upstream: false,
  updated_at: null,
}
const DRAFT = gatewayDraft(STORED)

it('AG-B17: only what was changed is sent, and secrets only when they were touched', () => {
  expect(gatewayChange(DRAFT, STORED)).toEqual({})
  expect(gatewayChange({ ...DRAFT, budget_period: 'week', queue_length: '5' }, STORED)).toEqual({
    budget_period: 'week',
    queue_length: 5,
  })
  expect(gatewayChange({ ...DRAFT, patterns: 'corp-[0-9]{8}\n\n  tok_.+ ' }, STORED)).toEqual({
    guardrails: { patterns: ['corp-[0-9]{8}', 'tok_.+'] },
  })
  const removed = { set: true, change: 'remove', text: 'x' } as const
  const replaced = { set: false, change: 'replace', text: 's3cret' } as const
  expect(
    gatewayChange({ ...DRAFT, webhook_secret: removed, export_webhook_secret: replaced }, STORED),
  ).toEqual({ export_webhook_secret: 's3cret', guardrails: { webhook_secret: '' } })
})

it('AG-B23: the secret of a bucket is a pair', () => {
  const faultOf = (text: string) =>
    gatewayFaults({
      ...DRAFT,
      export_format: 's3',
      export_webhook_secret: { set: false, change: 'replace', text },
    }).export_webhook_secret
  expect(faultOf('AKIA')).toBe('An access key, a colon and its secret.')
  expect(faultOf('AKIA:secret')).toBeUndefined()
})

it('UI-504: what the server would refuse is said before it is sent', () => {
  expect(gatewayFaults(DRAFT)).toEqual({})
  const faults = gatewayFaults({
    ...DRAFT,
    queue_length: '',
    webhook_timeout_ms: '301',
    webhook_url: 'example.com',
    patterns: 'fine\n(',
    export_webhook_secret: { set: false, change: 'replace', text: '' },
  })
  expect(Object.keys(faults).sort()).toEqual([
    'export_webhook_secret',
    'patterns',
    'queue_length',
    'webhook_timeout_ms',
    'webhook_url',
  ])
  expect(faults.patterns).toContain('(')
})

it('reads lists with a line for each entry', () => {
  expect(linesOf(' a \n\nb\r\n')).toEqual(['a', 'b'])
})
