import { AmountField, NumberField } from '../ai-gateway/fields.tsx'
import { fieldError } from '../api/errors.ts'
import { Field, TextArea } from '../ui/form.tsx'
import type { KeyLimitsDraft, keyLimitsFaults } from './key-limits.ts'

/** What a token may do at the AI gateway (AG-B8). */
export function KeyLimitFields({
  draft,
  onChange,
  faults,
  error,
}: {
  readonly draft: KeyLimitsDraft
  readonly onChange: (draft: KeyLimitsDraft) => void
  /** Of fields that may be complained of already. */
  readonly faults: ReturnType<typeof keyLimitsFaults>
  readonly error: unknown
}) {
  const set = (patch: Partial<KeyLimitsDraft>) => onChange({ ...draft, ...patch })
  const refused = (name: string) => fieldError(error, name) ?? fieldError(error, `ai_limits.${name}`)
  return (
    <div className="flex flex-col gap-5">
      <AmountField
        label="Spend in a month"
        help="A calendar month in UTC, in addition to your own budget."
        placeholder="no limit"
        value={draft.monthly}
        error={faults.monthly ?? refused('monthly_spend_limit_micros')}
        onChange={(monthly) => set({ monthly })}
      />
      <div className="grid gap-5 sm:grid-cols-2">
        <NumberField
          label="Requests"
          unit="a second"
          placeholder="no limit"
          value={draft.requests}
          error={faults.requests ?? refused('requests_per_second')}
          onChange={(requests) => set({ requests })}
        />
        <NumberField
          label="Tokens"
          unit="a minute"
          placeholder="no limit"
          value={draft.tokens}
          error={faults.tokens ?? refused('tokens_per_minute')}
          onChange={(tokens) => set({ tokens })}
        />
      </div>
      <div className="grid gap-5 sm:grid-cols-2">
        <Lines
          label="Only these models"
          help="One per line; * matches any characters. Leave empty for all that you may use."
          placeholder="claude-*"
          value={draft.models}
          error={faults.models ?? refused('models')}
          onChange={(models) => set({ models })}
        />
        <Lines
          label="Only these providers"
          help="One name per line. Leave empty for all."
          placeholder="anthropic"
          value={draft.providers}
          error={faults.providers ?? refused('providers')}
          onChange={(providers) => set({ providers })}
        />
      </div>
    </div>
  )
}

function Lines({
  label,
  help,
  placeholder,
  value,
  error,
  onChange,
}: {
  readonly label: string
  readonly help: string
  readonly placeholder: string
  readonly value: string
  readonly error: string | undefined
  readonly onChange: (text: string) => void
}) {
  return (
    <Field label={label} help={help} error={error}>
      {(field) => (
        <TextArea
          {...field}
          rows={3}
          spellCheck={false}
          autoCapitalize="off"
          className="font-mono"
          placeholder={placeholder}
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  )
}
