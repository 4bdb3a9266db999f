import { useQuery } from '@tanstack/react-query'
import { type FormEvent, type ReactNode, useState } from 'react'

import { type APIKeyAILimits, getTokenConfig } from '@slipway/contract'
import { api } from '../api/client.ts'
import { fieldError } from '../api/errors.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { Button, buttonClass } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, Select, TextInput } from '../ui/form.tsx'
import { Section } from '../ui/page.tsx'
import { Segmented } from '../ui/segmented.tsx'
import { useInvalidFocus } from '../ui/use-invalid-focus.ts'
import { type AllowEntry, effectiveAccess } from './allow-list.ts'
import { AllowListPicker } from './allow-list-picker.tsx'
import { KeyLimitFields } from './key-limit-fields.tsx'
import { GATEWAY_SCOPE, isUnlimited, keyLimitsDraft, keyLimitsFaults, keyLimitsOf } from './key-limits.ts'
import { ScopePicker } from './scope-picker.tsx'
import { daysUntil, lifetimeChoices } from './token-lifetime.ts'
import { FULL_SCOPE } from './token-scopes.ts'

const CUSTOM = 'custom'
const KEEP = 'keep'

const USES = [
  { id: 'api', label: 'The API' },
  { id: 'ai', label: 'Only AI models' },
] as const
type Use = (typeof USES)[number]['id']

/** What a token is to be. */
export interface TokenValues {
  readonly name: string
  /** How long it holds from now on; undefined leaves its end as it is. */
  readonly days: number | undefined
  readonly scopes: readonly string[]
  /** Undefined is everything. */
  readonly allowed: readonly AllowEntry[] | undefined
  /** What it may do at the AI gateway; undefined where nothing is said of that. */
  readonly aiLimits?: APIKeyAILimits | undefined
}

interface TokenFormProps {
  readonly title: string
  /** "The token was not made". */
  readonly failure: string
  readonly verb: string
  /** A token that is there already, and when it ends. */
  readonly present?: Omit<TokenValues, 'days'> & { readonly end: string }
  /** What a new one is for, until its maker chooses. */
  readonly use?: Use
  readonly about?: ReactNode
  readonly error: unknown
  readonly busy: boolean
  readonly onSubmit: (values: TokenValues) => void
}

/** Name, lifetime, scopes and allow list of a token, a new one or one that is changed (UI-1502 to UI-1504, UI-B7). */
export function TokenForm(props: TokenFormProps) {
  const { title, failure, verb, present, about, error, busy, onSubmit } = props
  const online = useOnline()
  const config = useQuery({
    queryKey: ['token-config'],
    queryFn: ({ signal }) => api.call(getTokenConfig, { params: { user: 'me' }, signal }),
  })
  const { days, chosen, maxDays } = lifetimeChoices(config.data?.max_token_lifetime ?? 0)
  const [name, setName] = useState(present?.name ?? '')
  const [lifetime, setLifetime] = useState<string>()
  const [date, setDate] = useState('')
  const [scopes, setScopes] = useState<readonly string[]>(present?.scopes ?? [FULL_SCOPE])
  const [allowed, setAllowed] = useState(present?.allowed)
  const [use, setUse] = useState<Use>(props.use ?? 'api')
  const [limits, setLimits] = useState(() => keyLimitsDraft(null))
  const [attempted, setAttempted] = useState(false)
  const limitFaults = keyLimitsFaults(limits)
  const selected = lifetime ?? (present === undefined ? String(chosen) : KEEP)
  const wanted = selected === CUSTOM ? (date === '' ? 0 : daysUntil(date, Date.now())) : Number(selected)
  const wrongDate =
    selected === CUSTOM && date !== '' && (wanted < 1 || wanted > maxDays)
      ? `Choose a day between tomorrow and ${maxDays} days from now.`
      : undefined
  const idle = use === 'api' && (scopes.length === 0 || allowed?.length === 0)
  const ready = !idle && wrongDate === undefined && (selected === KEEP || wanted > 0)
  const form = useInvalidFocus(error)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setAttempted(true)
    if (busy || !ready) return
    const values = { name: name.trim(), days: selected === KEEP ? undefined : wanted }
    if (use === 'api') onSubmit({ ...values, scopes, allowed })
    else if (Object.keys(limitFaults).length > 0)
      requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus())
    else {
      const asked = keyLimitsOf(limits)
      onSubmit({
        ...values,
        scopes: [GATEWAY_SCOPE],
        allowed: undefined,
        aiLimits: isUnlimited(asked) ? undefined : asked,
      })
    }
  }
  return (
    <form ref={form} onSubmit={submit} className="flex flex-col gap-4">
      <ErrorNotice error={error} title={failure} />
      <ErrorNotice
        error={config.error}
        title="The longest lifetime is not known"
        onRetry={() => void config.refetch()}
      />
      <Section title={title} help={about}>
        <div className="flex flex-col gap-5">
          <Field label="Name" error={fieldError(error, 'token_name')} help="So that you recognize it later.">
            {(field) => (
              <TextInput
                {...field}
                autoFocus={present === undefined}
                required
                maxLength={64}
                autoComplete="off"
                placeholder="nightly-build"
                value={name}
                onChange={(event) => setName(event.target.value)}
              />
            )}
          </Field>
          <div className="flex flex-wrap gap-4">
            <Field label="Lifetime" error={fieldError(error, 'lifetime')}>
              {(field) => (
                <Select
                  {...field}
                  value={selected}
                  options={[
                    ...(present === undefined ? [] : [{ value: KEEP, label: present.end }]),
                    ...days.map((count) => ({
                      value: String(count),
                      label: `${count === 1 ? '1 day' : `${count} days`}${present === undefined ? '' : ' from now on'}`,
                    })),
                    { value: CUSTOM, label: 'Until a date' },
                  ]}
                  onChange={(event) => setLifetime(event.target.value)}
                  className={present === undefined ? 'w-40' : 'w-60'}
                />
              )}
            </Field>
            {selected === CUSTOM ? (
              <Field label="Last day" error={wrongDate}>
                {(field) => (
                  <TextInput
                    {...field}
                    type="date"
                    required
                    value={date}
                    onChange={(event) => setDate(event.target.value)}
                    className="w-44"
                  />
                )}
              </Field>
            ) : null}
          </div>
        </div>
      </Section>
      {present === undefined ? (
        <Section title="What it is for">
          <div className="flex flex-col gap-1.5">
            <Segmented label="What it is for" options={USES} value={use} onChange={setUse} />
            <p className="text-xs text-ink-2">
              {use === 'api'
                ? 'A program acts for you over the API, within the scopes below. With full access it can also use AI models.'
                : 'A tool uses models through the gateway, on your budget, and nothing else.'}
            </p>
          </div>
        </Section>
      ) : null}
      {use === 'ai' ? (
        <Section title="Limits" help="In addition to those of your account. Leave empty for no limit.">
          <KeyLimitFields
            draft={limits}
            onChange={setLimits}
            faults={attempted ? limitFaults : {}}
            error={error}
          />
        </Section>
      ) : (
        <>
          <Section title="What it may do">
            <div className="flex flex-col gap-2">
              <ScopePicker value={scopes} onChange={setScopes} />
              {fieldError(error, 'scopes') === undefined ? null : (
                <p className="text-xs text-bad">{fieldError(error, 'scopes')}</p>
              )}
            </div>
          </Section>
          <Section title="On what" help="To the token, everything else does not exist.">
            <div className="flex flex-col gap-2">
              <AllowListPicker value={allowed} onChange={setAllowed} />
              {fieldError(error, 'allow_list') === undefined ? null : (
                <p className="text-xs text-bad">{fieldError(error, 'allow_list')}</p>
              )}
            </div>
          </Section>
        </>
      )}
      <div className="flex flex-wrap items-center justify-end gap-2">
        <p role="status" className="mr-auto min-w-0 flex-1 basis-60 text-sm text-ink-2">
          {use === 'ai' ? 'It may ask AI models, and nothing else.' : effectiveAccess(scopes, allowed)}
        </p>
        <div className="flex gap-2">
          <AppLink href={paths.settings('tokens')} className={buttonClass({})}>
            Cancel
          </AppLink>
          <Button type="submit" tone="primary" busy={busy} disabled={!online || !ready}>
            {verb}
          </Button>
        </div>
      </div>
    </form>
  )
}
