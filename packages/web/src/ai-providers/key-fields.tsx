import { Plus, X } from 'lucide-react'

import { describeError } from '../api/errors.ts'
import { Button } from '../ui/button.tsx'
import { Field, PasswordInput } from '../ui/form.tsx'
import { Section } from '../ui/page.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { type KeyDraft, MOST_KEYS, type ProviderDraft } from './provider-draft.ts'
import { providerKind } from './provider-types.ts'

/** Keys of a provider: those that are there show their ends only, and go; new ones are typed (AG-100). */
export function KeyFields({
  draft,
  onChange,
  error,
}: {
  readonly draft: ProviderDraft
  readonly onChange: (patch: Partial<ProviderDraft>) => void
  readonly error: unknown
}) {
  const { keys } = draft
  const kind = providerKind(draft.type)
  const refused =
    error === null || error === undefined
      ? undefined
      : describeError(error).validations.find(({ field }) => field.startsWith('api_keys'))?.detail
  const set = (next: readonly KeyDraft[]) => onChange({ keys: next })
  const next = Math.max(-1, ...keys.map(({ key }) => key)) + 1
  const stored = keys.filter((key) => 'id' in key)
  const typed = keys.filter((key) => 'text' in key)
  return (
    <Section
      title="API keys"
      help="Stored encrypted and never shown again. If there are several, the next one is used when one is refused or used up."
      actions={
        keys.length < MOST_KEYS ? (
          <Button
            size="dense"
            onClick={() => set([...keys, { key: next, text: '' }])}
            icon={<Plus className="size-3.5" />}
          >
            Add key
          </Button>
        ) : null
      }
    >
      <div className="flex flex-col gap-3">
        {stored.length === 0 ? null : (
          <ul className="rounded-control border border-line">
            {stored.map((key) => (
              <li
                key={key.key}
                className="flex min-h-10 items-center gap-3 border-b border-line py-1 pl-3 pr-1 text-sm last:border-b-0"
              >
                <code className="min-w-0 flex-1 truncate">{key.masked}</code>
                <span className="text-xs text-ink-2">
                  added <TimeAgo time={key.created} />
                </span>
                <Button
                  tone="quiet"
                  size="icon"
                  aria-label={`Remove the key ${key.masked}`}
                  title="Remove"
                  onClick={() => set(keys.filter((one) => one !== key))}
                  icon={<X className="size-4" strokeWidth={1.75} />}
                />
              </li>
            ))}
          </ul>
        )}
        {typed.map((key, index) => (
          <Field
            key={key.key}
            label={
              stored.length + typed.length > 1 ? `New key ${typed.length > 1 ? index + 1 : ''}`.trim() : 'Key'
            }
            error={index === 0 ? refused : undefined}
          >
            {(field) => (
              <div className="flex gap-1">
                <div className="min-w-0 flex-1">
                  <PasswordInput
                    {...field}
                    autoComplete="off"
                    className="font-mono"
                    placeholder={kind.keyPlaceholder}
                    value={key.text}
                    onChange={(event) =>
                      set(keys.map((one) => (one === key ? { key: key.key, text: event.target.value } : one)))
                    }
                  />
                </div>
                {keys.length > 1 ? (
                  <Button
                    tone="quiet"
                    size="icon"
                    aria-label="Do not add this key"
                    onClick={() => set(keys.filter((one) => one !== key))}
                    icon={<X className="size-4" strokeWidth={1.75} />}
                  />
                ) : null}
              </div>
            )}
          </Field>
        ))}
        {keys.length === 0 ? (
          <p className="text-sm text-ink-2">
            No key: works only for users with their own key, or for a server that needs none.
          </p>
        ) : null}
        {typed.length === 0 && refused !== undefined ? (
          <p role="alert" className="text-xs text-bad">
            {refused}
          </p>
        ) : null}
      </div>
    </Section>
  )
}
