import type { AIProviderType } from '@slipway/contract'
import { EFFORT_WORDS } from '../chats/effort-words.ts'
import { Field, LabelledToggle, Select, TextArea, TextInput } from '../ui/form.tsx'
import { Section } from '../ui/page.tsx'
import { EFFORTS, type ModelDraft } from './model-draft.ts'

const EFFORT_CHOICES = [
  { value: '', label: 'None' },
  ...EFFORTS.map((effort) => ({ value: effort, label: EFFORT_WORDS[effort] ?? effort })),
]

const NUMBERS = [
  { name: 'max_output_tokens', label: 'Maximum output', help: 'Tokens.' },
  { name: 'temperature', label: 'Temperature', help: '0 to 2.' },
  { name: 'top_p', label: 'Top P', help: '0 to 1.' },
  { name: 'top_k', label: 'Top K', help: 'A whole number.' },
  { name: 'presence_penalty', label: 'Presence penalty', help: '−2 to 2.' },
  { name: 'frequency_penalty', label: 'Frequency penalty', help: '−2 to 2.' },
] as const

const OPENAI: ReadonlySet<string> = new Set<AIProviderType>(['openai', 'azure'])

/** How a model is called (CH-504); empty fields leave it to the provider. */
export function ModelOptions({
  draft,
  onChange,
  fault,
  type,
}: {
  readonly draft: ModelDraft
  readonly onChange: (patch: Partial<ModelDraft>) => void
  readonly fault: (name: string) => string | undefined
  readonly type: AIProviderType | undefined
}) {
  const effort = (name: 'effort_default' | 'effort_max', label: string, help: string) => (
    <Field label={label} error={name === 'effort_max' ? fault('reasoning_effort') : undefined} help={help}>
      {(field) => (
        <Select
          {...field}
          options={EFFORT_CHOICES}
          value={draft[name]}
          onChange={(event) => onChange({ [name]: EFFORTS.find((one) => one === event.target.value) ?? '' })}
        />
      )}
    </Field>
  )
  return (
    <>
      <Section title="Thinking" help="For models with adjustable thinking.">
        <div className="grid gap-5 sm:grid-cols-2">
          {effort('effort_default', 'Default effort', 'Unless another one is chosen.')}
          {effort('effort_max', 'Highest effort', 'The most that anybody can choose.')}
        </div>
      </Section>
      <Section title="Options" help="Leave empty to use the provider’s defaults.">
        <div className="flex flex-col gap-5">
          <div className="grid gap-5 sm:grid-cols-3">
            {NUMBERS.map(({ name, label, help }) => (
              <Field key={name} label={label} error={fault(name)} help={help}>
                {(field) => (
                  <TextInput
                    {...field}
                    autoComplete="off"
                    inputMode="decimal"
                    className="tabular-nums"
                    value={draft[name]}
                    onChange={(event) => onChange({ [name]: event.target.value })}
                  />
                )}
              </Field>
            ))}
          </div>
          {type !== undefined && OPENAI.has(type) ? (
            <LabelledToggle
              kind="checkbox"
              label="Use the Responses API"
              help="Otherwise, chat completions."
              checked={draft.responses_api}
              onChange={(responses_api) => onChange({ responses_api })}
            />
          ) : null}
          <Field
            label="Provider options"
            error={fault('provider_options')}
            help={
              <>
                JSON by provider, such as <code>{'{ "anthropic": { "effort": "high" } }'}</code>. They are
                sent as they stand.
              </>
            }
          >
            {(field) => (
              <TextArea
                {...field}
                rows={4}
                spellCheck={false}
                autoCapitalize="off"
                className="font-mono"
                value={draft.provider_options}
                onChange={(event) => onChange({ provider_options: event.target.value })}
              />
            )}
          </Field>
        </div>
      </Section>
    </>
  )
}
