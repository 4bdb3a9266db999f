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
  { value: 'otlp', label: 'Logs to a collector of OpenTelemetry' },
  { value: 's3', label: 'Objects in a bucket of S3' },
]

const SECRET_OF: Readonly<Record<AIExportFormat, string>> = {
  json: 'Signs what is sent. It is never shown again.',
  otlp: 'Sent as a bearer token. It is never shown again.',
  s3: 'An access key, a colon and its secret. Without it, keys are taken from the environment of the server.',
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
            label="Budgets begin anew"
            help="At midnight, UTC."
            value={draft.budget_period}
            options={PERIODS}
            error={fault('budget_period')}
            onChange={(budget_period) => edit({ budget_period })}
          />
          <ChoiceField
            label="Of several groups counts"
            help="Which budget a user has who is in several groups with one."
            value={draft.budget_policy}
            options={POLICIES}
            error={fault('budget_policy')}
            onChange={(budget_policy) => edit({ budget_policy })}
          />
        </div>
        <LabelledToggle
          kind="switch"
          label="Refuse requests beyond a budget"
          help="Otherwise they go on, and answers carry a header that warns."
          checked={draft.budget_enforced}
          onChange={(budget_enforced) => edit({ budget_enforced })}
        />
        <LabelledToggle
          kind="switch"
          label="Set costs aside before each request"
          help="What a request may cost at most counts at once, so that requests at the same time cannot overshoot. Without it they can, by what is under way."
          checked={draft.budget_reservations}
          onChange={(budget_reservations) => edit({ budget_reservations })}
        />
        <LabelledToggle
          kind="switch"
          label="Refuse models without a price"
          help="To users with a budget: what such a model costs is not known, so that no budget would end it."
          checked={draft.block_unpriced_models}
          onChange={(block_unpriced_models) => edit({ block_unpriced_models })}
        />
      </div>
    </Section>
  )
}

const SECRETS: readonly { readonly id: AISecretGuardrail; readonly label: string }[] = [
  { id: 'off', label: 'Off' },
  { id: 'flag', label: 'Note it' },
  { id: 'redact', label: 'Cut it out' },
  { id: 'block', label: 'Refuse' },
]

const SECRETS_HELP: Readonly<Record<AISecretGuardrail, string>> = {
  off: 'Prompts are not searched.',
  flag: 'The request goes on; the record says what kind of secret was found.',
  redact: 'The secret is replaced before the provider sees it; the rest of the request goes on.',
  block: 'The request is refused before any provider is asked.',
}

/** What is asked before a provider is (AG-B17). */
export function GuardrailSection({ draft, edit, fault }: PartProps) {
  return (
    <Section title="Guardrails" help="They look at each request before any provider does.">
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
            label="Patterns of your own"
            error={fault('patterns')}
            help="Beside keys and tokens of known services. One regular expression in each line, without back-references."
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
          help="Asked before each request; it may refuse or change it. Empty for none."
          value={draft.webhook_url}
          error={fault('webhook_url')}
          onChange={(webhook_url) => edit({ webhook_url })}
        />
        {draft.webhook_url.trim() === '' ? null : (
          <div className="flex flex-col gap-5 border-l-2 border-line pl-4">
            <NumberField
              label="Time to answer"
              unit="ms"
              help="From 10 to 300; each request waits for it."
              value={draft.webhook_timeout_ms}
              error={fault('webhook_timeout_ms')}
              onChange={(webhook_timeout_ms) => edit({ webhook_timeout_ms })}
            />
            <LabelledToggle
              kind="switch"
              label="Go on without an answer"
              help="Otherwise requests are refused while the webhook is silent or fails."
              checked={draft.webhook_fail_open}
              onChange={(webhook_fail_open) => edit({ webhook_fail_open })}
            />
            <SecretField
              label="Secret"
              help="Signs what is sent, so that the receiver knows it is from here. It is never shown again."
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
    <Section title="Load" help="Limits of each replica, beside those that its options set.">
      <div className="flex flex-col gap-5">
        <NumberField
          label="Requests of one user at the same time"
          unit="requests"
          help="0 is no limit."
          value={draft.max_concurrency_per_user}
          error={fault('max_concurrency_per_user')}
          onChange={(max_concurrency_per_user) => edit({ max_concurrency_per_user })}
        />
        <div className="grid gap-5 sm:grid-cols-2">
          <NumberField
            label="Requests that wait for a place"
            unit="requests"
            help="0 refuses at once when all places are taken."
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
    <Section title="Records" help="How much of prompts is kept is set by each organization.">
      <div className="flex flex-col gap-5">
        <LabelledToggle
          kind="switch"
          label="Go on while nothing can be recorded"
          help="Requests are recorded later, as far as memory reaches. Otherwise they are refused until the database is back."
          checked={draft.record_fail_open}
          onChange={(record_fail_open) => edit({ record_fail_open })}
        />
        <AddressField
          label="Export to"
          help="Each finished request is sent there, at least once. Empty for none."
          value={draft.export_webhook_url}
          error={fault('export_webhook_url')}
          onChange={(export_webhook_url) => edit({ export_webhook_url })}
        />
        {draft.export_webhook_url.trim() === '' ? null : (
          <div className="flex flex-col gap-5 border-l-2 border-line pl-4">
            <ChoiceField
              label="Export as"
              help="A bucket is given as https://bucket.s3.region.amazonaws.com/folder."
              value={draft.export_format}
              options={FORMATS}
              error={fault('export_format')}
              onChange={(export_format) => edit({ export_format })}
            />
            <SecretField
              label="Secret of the export"
              help={SECRET_OF[draft.export_format]}
              value={draft.export_webhook_secret}
              error={fault('export_webhook_secret')}
              onChange={(export_webhook_secret) => edit({ export_webhook_secret })}
            />
          </div>
        )}
        <LabelledToggle
          kind="switch"
          label="Tell users apart in metrics"
          help="Each user is a label of its own; turn it off where there are many."
          checked={draft.initiator_label}
          onChange={(initiator_label) => edit({ initiator_label })}
        />
        <LabelledToggle
          kind="switch"
          label="Pass traces on to providers"
          help="The header traceparent of a request reaches its provider."
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
