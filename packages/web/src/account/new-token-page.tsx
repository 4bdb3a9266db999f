import { useMutation, useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'

import { createToken, getTokenConfig } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { fieldError } from '../api/errors.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { Button, buttonClass } from '../ui/button.tsx'
import { CopyableCode } from '../ui/copyable.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, Select, TextInput } from '../ui/form.tsx'
import { Notice } from '../ui/notice.tsx'
import { Section } from '../ui/page.tsx'
import { type AllowEntry, effectiveAccess, wireList } from './allow-list.ts'
import { AllowListPicker } from './allow-list-picker.tsx'
import { OnceShown } from './once-shown.tsx'
import { ScopePicker } from './scope-picker.tsx'
import { daysUntil, lifetimeChoices, lifetimeNs } from './token-lifetime.ts'
import { FULL_SCOPE } from './token-scopes.ts'

const CUSTOM = 'custom'

/** `/settings/tokens/new`: name, lifetime, scopes; the secret shows once (UI-1502). */
export function NewTokenPage() {
  const online = useOnline()
  const config = useQuery({
    queryKey: ['token-config'],
    queryFn: ({ signal }) => api.call(getTokenConfig, { params: { user: 'me' }, signal }),
  })
  const { days, chosen, maxDays } = lifetimeChoices(config.data?.max_token_lifetime ?? 0)
  const [name, setName] = useState('')
  const [lifetime, setLifetime] = useState<string>()
  const [date, setDate] = useState('')
  const [scopes, setScopes] = useState<readonly string[]>([FULL_SCOPE])
  const [allowed, setAllowed] = useState<readonly AllowEntry[]>()
  const selected = lifetime ?? String(chosen)
  const wanted = selected === CUSTOM ? (date === '' ? 0 : daysUntil(date, Date.now())) : Number(selected)
  const wrongDate =
    selected === CUSTOM && date !== '' && (wanted < 1 || wanted > maxDays)
      ? `Choose a day from tomorrow on, at most ${maxDays} days ahead.`
      : undefined
  const idle = scopes.length === 0 || allowed?.length === 0
  const create = useMutation({
    mutationFn: () =>
      api.call(createToken, {
        params: { user: 'me' },
        body: {
          token_name: name.trim(),
          lifetime: lifetimeNs(wanted),
          scopes: [...scopes],
          allow_list: wireList(allowed),
        },
      }),
    onSuccess: () => void queries.invalidateQueries({ queryKey: ['tokens'] }),
  })
  if (create.data !== undefined)
    return (
      <Section title={`Token ${name.trim()}`}>
        <div className="flex flex-col gap-5">
          <Notice tone="ok" title="The token was made">
            Copy it now: it is not shown again.
          </Notice>
          <OnceShown label="Token" secret={create.data.key} />
          <div>
            <p className="mb-1.5 text-sm text-ink-2">Try it</p>
            <CopyableCode
              code={`curl -H "Coder-Session-Token: ${create.data.key}" ${location.origin}/api/v2/users/me`}
              label="Copy the command"
            />
          </div>
          <div className="flex justify-end">
            <AppLink href={paths.settings('tokens')} className={buttonClass({ tone: 'primary' })}>
              Done
            </AppLink>
          </div>
        </div>
      </Section>
    )
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!create.isPending && wrongDate === undefined && wanted > 0 && !idle) create.mutate()
  }
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <ErrorNotice error={create.error} title="The token was not made" />
      <ErrorNotice
        error={config.error}
        title="The longest lifetime is not known"
        onRetry={() => void config.refetch()}
      />
      <Section title="New token">
        <div className="flex flex-col gap-5">
          <Field
            label="Name"
            error={fieldError(create.error, 'token_name')}
            help="What it is for: you find it again by that."
          >
            {(field) => (
              <TextInput
                {...field}
                autoFocus
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
            <Field label="Lifetime" error={fieldError(create.error, 'lifetime')}>
              {(field) => (
                <Select
                  {...field}
                  value={selected}
                  options={[
                    ...days.map((count) => ({
                      value: String(count),
                      label: count === 1 ? '1 day' : `${count} days`,
                    })),
                    { value: CUSTOM, label: 'Until a date' },
                  ]}
                  onChange={(event) => setLifetime(event.target.value)}
                  className="w-40"
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
      <Section title="What it may do">
        <div className="flex flex-col gap-2">
          <ScopePicker value={scopes} onChange={setScopes} />
          {fieldError(create.error, 'scopes') === undefined ? null : (
            <p className="text-xs text-bad">{fieldError(create.error, 'scopes')}</p>
          )}
        </div>
      </Section>
      <Section title="On what" help="Everything else looks to it as if it did not exist.">
        <div className="flex flex-col gap-2">
          <AllowListPicker value={allowed} onChange={setAllowed} />
          {fieldError(create.error, 'allow_list') === undefined ? null : (
            <p className="text-xs text-bad">{fieldError(create.error, 'allow_list')}</p>
          )}
        </div>
      </Section>
      <div className="flex flex-wrap items-center justify-end gap-2">
        <p role="status" className="mr-auto min-w-0 flex-1 basis-60 text-sm text-ink-2">
          {effectiveAccess(scopes, allowed)}
        </p>
        <AppLink href={paths.settings('tokens')} className={buttonClass({})}>
          Cancel
        </AppLink>
        <Button
          type="submit"
          tone="primary"
          busy={create.isPending}
          disabled={!online || idle || wanted < 1 || wrongDate !== undefined}
        >
          Create token
        </Button>
      </div>
    </form>
  )
}
