import type { AIBudgetPeriod, AIBudgetPolicy, AIExportFormat, AISecretGuardrail } from '@slipway/contract'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { Field, LabelledToggle, TextArea, TextInput } from '../ui/form.tsx'
import { Section } from '../ui/page.tsx'
import { Segmented } from '../ui/segmented.tsx'
import { ChoiceField, NumberField, SecretField } from './fields.tsx'
import type { GatewayDraft } from './gateway-draft.ts'

interface PartProps {
  readonly draft: GatewayDraft
  readonly edit: (patch: Partial<GatewayDraft>) => void
  readonly fault: (name: keyof GatewayDraft) => string | undefined
}

const PERIODS: readonly { readonly value: AIBudgetPeriod; readonly label: string }[] = [
  { value: 'day', label: 'Every day' },
  { value: 'week', label: 'Every week, on Monday' },
  { value: 'month', label: 'Every month, on the 1st' },
  { value: 'none', label: 'Never' },
]

const POLICIES: readonly { readonly value: AIBudgetPolicy; readonly label: string }[] = [
  { value: 'highest', label: 'The highest' },
  { value: 'lowest', label: 'The lowest' },
  { value: 'sum', label: 'All together' },
]

const FORMATS: readonly { readonly value: AIExportFormat; readonly label: string }[] = [
  { value: 'json', label: 'JSON to a webhook' },
  { value: 'otlp', label: 'Logs to an OpenTelemetry collector' },
  { value: 's3', label: 'Objects in an S3 bucket' },
]

const SECRET_OF: Readonly<Record<AIExportFormat, string>> = {
  json: 'Signs what is sent. It is never shown again.',
  otlp: 'Sent as a bearer token. It is never shown again.',
  s3: 'An access key, a colon and its secret. If empty, keys come from the environment of the server.',
}

/** What budgets mean (AG-B14, AG-B15). */
export function BudgetSection({ draft, edit, fault }: PartProps) {
  return (
    <Section
      title="Budgets"
      help={
        <>
          Amounts are set for organizations, groups and users. What models cost is under{' '}
          <AppLink className="link" href={paths.aiModelPrices()}>
            Prices
          </AppLink>
          .
        </>
      }
    >
      <div className="flex flex-col gap-5">
        <div className="grid gap-5 sm:grid-cols-2">
          <ChoiceField
            label="Budgets reset"
            help="At midnight, UTC."
            value={draft.budget_period}
            options={PERIODS}
            error={fault('budget_period')}
            onChange={(budget_period) => edit({ budget_period })}
          />
          <ChoiceField
            label="With several groups"
            help="Which budget applies to a user who is in several groups that have one."
            value={draft.budget_policy}
            options={POLICIES}
            error={fault('budget_policy')}
            onChange={(budget_policy) => edit({ budget_policy })}
          />
        </div>
        <LabelledToggle
          kind="switch"
          label="Refuse requests over budget"
          help="Otherwise they are answered, with a header that warns."
          checked={draft.budget_enforced}
          onChange={(budget_enforced) => edit({ budget_enforced })}
        />
        <LabelledToggle
          kind="switch"
          label="Reserve costs before each request"
          help="The most that a request can cost counts at once, so that concurrent requests cannot exceed a budget. Otherwise they can, by what is under way."
          checked={draft.budget_reservations}
          onChange={(budget_reservations) => edit({ budget_reservations })}
        />
        <LabelledToggle
          kind="switch"
          label="Refuse models without a price"
          help="For users with a budget: the cost of such a model is unknown, so no budget would limit it."
          checked={draft.block_unpriced_models}
          onChange={(block_unpriced_models) => edit({ block_unpriced_models })}
        />
      </div>
    </Section>
  )
}

const SECRETS: readonly { readonly id: AISecretGuardrail; readonly label: string }[] = [
  { id: 'off', label: 'Off' },
  { id: 'flag', label: 'Record' },
  { id: 'redact', label: 'Redact' },
  { id: 'block', label: 'Refuse' },
]

const SECRETS_HELP: Readonly<Record<AISecretGuardrail, string>> = {
  off: 'Prompts are not searched.',
  flag: 'The request is sent; its record says what kind of secret was found.',
  redact: 'The secret is replaced before the provider sees it; the rest is sent.',
  block: 'The request is refused and never reaches a provider.',
}

/** What is asked before a provider is (AG-B17). */
export function GuardrailSection({ draft, edit, fault }: PartProps) {
  return (
    <Section title="Guardrails" help="They check each request before it reaches a provider.">
      <div className="flex flex-col gap-5">
        <div className="flex flex-col gap-1.5">
          <span className="text-sm font-medium">Secrets in prompts</span>
          <Segmented
            label="Secrets in prompts"
            options={SECRETS}
            value={draft.secrets}
            onChange={(secrets) => edit({ secrets })}
          />
          <p className="text-xs text-ink-2">{SECRETS_HELP[draft.secrets]}</p>
        </div>
        {draft.secrets === 'off' ? null : (
          <Field
            label="Your own patterns"
            error={fault('patterns')}
            help="In addition to keys and tokens of known services. One regular expression per line, without back-references."
          >
            {(field) => (
              <TextArea
                {...field}
                rows={3}
                spellCheck={false}
                autoCapitalize="off"
                className="font-mono"
                placeholder="corp-[0-9a-f]{32}"
                value={draft.patterns}
                onChange={(event) => edit({ patterns: event.target.value })}
              />
            )}
          </Field>
        )}
        <AddressField
          label="Webhook"
          help="Called before each request, which it may refuse or change. Leave empty for none."
          value={draft.webhook_url}
          error={fault('webhook_url')}
          onChange={(webhook_url) => edit({ webhook_url })}
        />
        {draft.webhook_url.trim() === '' ? null : (
          <div className="flex flex-col gap-5 border-l-2 border-line pl-4">
            <NumberField
              label="Timeout"
              unit="ms"
              help="10 to 300. Each request waits for it."
              value={draft.webhook_timeout_ms}
              error={fault('webhook_timeout_ms')}
              onChange={(webhook_timeout_ms) => edit({ webhook_timeout_ms })}
            />
            <LabelledToggle
              kind="switch"
              label="Allow requests if it fails"
              help="Otherwise requests are refused while the webhook fails or does not answer."
              checked={draft.webhook_fail_open}
              onChange={(webhook_fail_open) => edit({ webhook_fail_open })}
            />
            <SecretField
              label="Secret"
              help="Signs what is sent, so that the receiver can check where it comes from. It is never shown again."
              value={draft.webhook_secret}
              error={fault('webhook_secret')}
              onChange={(webhook_secret) => edit({ webhook_secret })}
            />
          </div>
        )}
      </div>
    </Section>
  )
}

/** What one user may take of the gateway at the same time (AG-B13). */
export function LoadSection({ draft, edit, fault }: PartProps) {
  return (
    <Section title="Load" help="Limits of each replica, in addition to those of its server options.">
      <div className="flex flex-col gap-5">
        <NumberField
          label="Concurrent requests per user"
          unit="requests"
          help="0 means no limit."
          value={draft.max_concurrency_per_user}
          error={fault('max_concurrency_per_user')}
          onChange={(max_concurrency_per_user) => edit({ max_concurrency_per_user })}
        />
        <div className="grid gap-5 sm:grid-cols-2">
          <NumberField
            label="Queue length"
            unit="requests"
            help="How many more may wait. 0 refuses them at once."
            value={draft.queue_length}
            error={fault('queue_length')}
            onChange={(queue_length) => edit({ queue_length })}
          />
          <NumberField
            label="Longest wait"
            unit="ms"
            help="Then the request is refused."
            value={draft.queue_timeout_ms}
            error={fault('queue_timeout_ms')}
            onChange={(queue_timeout_ms) => edit({ queue_timeout_ms })}
          />
        </div>
      </div>
    </Section>
  )
}

/** What is kept of requests, and who else hears of them (AG-B21 to AG-B23). */
export function RecordSection({ draft, edit, fault }: PartProps) {
  return (
    <Section title="Records" help="How much of prompts is kept is set in each organization.">
      <div className="flex flex-col gap-5">
        <LabelledToggle
          kind="switch"
          label="Allow requests while they cannot be recorded"
          help="They are recorded later, as far as memory allows. Otherwise they are refused until the database is back."
          checked={draft.record_fail_open}
          onChange={(record_fail_open) => edit({ record_fail_open })}
        />
        <AddressField
          label="Export to"
          help="Each finished request is sent there at least once. Leave empty for none."
          value={draft.export_webhook_url}
          error={fault('export_webhook_url')}
          onChange={(export_webhook_url) => edit({ export_webhook_url })}
        />
        {draft.export_webhook_url.trim() === '' ? null : (
          <div className="flex flex-col gap-5 border-l-2 border-line pl-4">
            <ChoiceField
              label="Export as"
              help="Write a bucket as https://bucket.s3.region.amazonaws.com/folder."
              value={draft.export_format}
              options={FORMATS}
              error={fault('export_format')}
              onChange={(export_format) => edit({ export_format })}
            />
            <SecretField
              label="Export secret"
              help={SECRET_OF[draft.export_format]}
              value={draft.export_webhook_secret}
              error={fault('export_webhook_secret')}
              onChange={(export_webhook_secret) => edit({ export_webhook_secret })}
            />
          </div>
        )}
        <LabelledToggle
          kind="switch"
          label="Label metrics by user"
          help="Turn this off if you have many users."
          checked={draft.initiator_label}
          onChange={(initiator_label) => edit({ initiator_label })}
        />
        <LabelledToggle
          kind="switch"
          label="Pass traces to providers"
          help="Forwards the traceparent header of a request to its provider."
          checked={draft.trace_upstream}
          onChange={(trace_upstream) => edit({ trace_upstream })}
        />
      </div>
    </Section>
  )
}

function AddressField({
  label,
  help,
  value,
  error,
  onChange,
}: {
  readonly label: string
  readonly help: string
  readonly value: string
  readonly error: string | undefined
  readonly onChange: (text: string) => void
}) {
  return (
    <Field label={label} help={help} error={error}>
      {(field) => (
        <TextInput
          {...field}
          inputMode="url"
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          className="font-mono"
          placeholder="https://"
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  )
}
