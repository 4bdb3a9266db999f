import type {
  AIBudgetPeriod,
  AIBudgetPolicy,
  AIExportFormat,
  AIGatewaySettings,
  AISecretGuardrail,
  UpdateAIGatewaySettingsRequest,
} from '@slipway/contract'

/** A secret that is only written: left alone, removed, or replaced by a text. */
export interface SecretDraft {
  readonly set: boolean
  readonly change: 'keep' | 'remove' | 'replace'
  readonly text: string
}

/** Settings of the gateway as they are edited: numbers are texts, lists have a line for each entry. */
export interface GatewayDraft {
  readonly budget_period: AIBudgetPeriod
  readonly budget_policy: AIBudgetPolicy
  readonly budget_enforced: boolean
  readonly budget_reservations: boolean
  readonly block_unpriced_models: boolean
  readonly max_concurrency_per_user: string
  readonly queue_length: string
  readonly queue_timeout_ms: string
  readonly initiator_label: boolean
  readonly secrets: AISecretGuardrail
  readonly patterns: string
  readonly webhook_url: string
  readonly webhook_timeout_ms: string
  readonly webhook_fail_open: boolean
  readonly webhook_secret: SecretDraft
  readonly record_fail_open: boolean
  readonly export_webhook_url: string
  readonly export_format: AIExportFormat
  readonly export_webhook_secret: SecretDraft
  readonly trace_upstream: boolean
}

const untouched = (set: boolean): SecretDraft => ({ set, change: 'keep', text: '' })

export function gatewayDraft(settings: AIGatewaySettings): GatewayDraft {
  const { guardrails } = settings
  return {
    budget_period: settings.budget_period,
    budget_policy: settings.budget_policy,
    budget_enforced: settings.budget_enforced,
    budget_reservations: settings.budget_reservations,
    block_unpriced_models: settings.block_unpriced_models,
    max_concurrency_per_user: String(settings.max_concurrency_per_user),
    queue_length: String(settings.queue_length),
    queue_timeout_ms: String(settings.queue_timeout_ms),
    initiator_label: settings.initiator_label,
    secrets: guardrails.secrets,
    patterns: guardrails.patterns.join('\n'),
    webhook_url: guardrails.webhook_url,
    webhook_timeout_ms: String(guardrails.webhook_timeout_ms),
    webhook_fail_open: guardrails.webhook_fail_open,
    webhook_secret: untouched(guardrails.webhook_secret_set),
    record_fail_open: settings.record_fail_open,
    export_webhook_url: settings.export_webhook_url,
    export_format: settings.export_format,
    export_webhook_secret: untouched(settings.export_webhook_secret_set),
    trace_upstream: settings.trace_upstream,
  }
}

/** Bounds of the numbers, as the server has them. */
const BOUNDS = {
  max_concurrency_per_user: [0, 100_000],
  queue_length: [0, 10_000],
  queue_timeout_ms: [0, 60_000],
  webhook_timeout_ms: [10, 300],
} as const

/** What cannot be sent as it is typed, by field. */
export function gatewayFaults(draft: GatewayDraft): Readonly<Partial<Record<keyof GatewayDraft, string>>> {
  const faults: Partial<Record<keyof GatewayDraft, string>> = {}
  for (const name of [
    'max_concurrency_per_user',
    'queue_length',
    'queue_timeout_ms',
    'webhook_timeout_ms',
  ] as const) {
    const [least, most] = BOUNDS[name]
    const value = Number(draft[name])
    if (draft[name].trim() === '' || !Number.isInteger(value) || value < least || value > most)
      faults[name] = `A whole number from ${least} to ${most.toLocaleString('en-US')}.`
  }
  for (const name of ['webhook_url', 'export_webhook_url'] as const)
    if (draft[name].trim() !== '' && !/^https?:\/\/[^\s/]/i.test(draft[name].trim()))
      faults[name] = 'An address that begins with https:// or http://.'
  const broken = linesOf(draft.patterns).find((pattern) => !isPattern(pattern))
  if (broken !== undefined) faults.patterns = `“${broken}” is not a regular expression.`
  for (const name of ['webhook_secret', 'export_webhook_secret'] as const)
    if (draft[name].change === 'replace' && draft[name].text === '') faults[name] = 'Type the new secret.'
  const { change, text } = draft.export_webhook_secret
  if (draft.export_format === 's3' && change === 'replace' && text !== '' && !/^[^:]+:./.test(text))
    faults.export_webhook_secret = 'An access key, a colon and its secret.'
  return faults
}

/** Only what is another than what is stored. */
export function gatewayChange(
  draft: GatewayDraft,
  stored: AIGatewaySettings,
): UpdateAIGatewaySettingsRequest {
  const wanted = {
    budget_period: draft.budget_period,
    budget_policy: draft.budget_policy,
    budget_enforced: draft.budget_enforced,
    budget_reservations: draft.budget_reservations,
    block_unpriced_models: draft.block_unpriced_models,
    max_concurrency_per_user: Number(draft.max_concurrency_per_user),
    queue_length: Number(draft.queue_length),
    queue_timeout_ms: Number(draft.queue_timeout_ms),
    initiator_label: draft.initiator_label,
    record_fail_open: draft.record_fail_open,
    export_webhook_url: draft.export_webhook_url.trim(),
    export_format: draft.export_format,
    trace_upstream: draft.trace_upstream,
  }
  const guardrails = {
    secrets: draft.secrets,
    patterns: linesOf(draft.patterns),
    webhook_url: draft.webhook_url.trim(),
    webhook_timeout_ms: Number(draft.webhook_timeout_ms),
    webhook_fail_open: draft.webhook_fail_open,
  }
  const inner = {
    ...differing(wanted, stored),
    ...secretChange('export_webhook_secret', draft.export_webhook_secret),
  }
  const outer = {
    ...differing(guardrails, stored.guardrails),
    ...secretChange('webhook_secret', draft.webhook_secret),
  }
  return Object.keys(outer).length === 0 ? inner : { ...inner, guardrails: outer }
}

function differing<Wanted extends object>(wanted: Wanted, stored: Wanted): Partial<Wanted> {
  const change: Partial<Wanted> = {}
  for (const name of keysOf(wanted))
    if (JSON.stringify(wanted[name]) !== JSON.stringify(stored[name])) change[name] = wanted[name]
  return change
}

function keysOf<Value extends object>(value: Value): readonly (keyof Value)[] {
  const names: (keyof Value)[] = []
  for (const name in value) names.push(name)
  return names
}

function secretChange<Name extends string>(
  name: Name,
  { change, text }: SecretDraft,
): { readonly [Key in Name]?: string } {
  const sent: { [Key in Name]?: string } = {}
  if (change !== 'keep') Object.assign(sent, { [name]: change === 'remove' ? '' : text })
  return sent
}

/** The entries of a list that has a line for each. */
export function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

function isPattern(text: string): boolean {
  try {
    return new RegExp(text, 'u') instanceof RegExp
  } catch {
    return false
  }
}
