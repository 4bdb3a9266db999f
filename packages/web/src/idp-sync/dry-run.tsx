import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'

import type { SyncExplanation, SyncOutcome, SyncTarget } from '@slipway/contract'
import { PersonPicker, type PickedPerson } from '../organizations/person-picker.tsx'
import { Button } from '../ui/button.tsx'
import { classNames } from '../ui/class-names.ts'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, TextArea } from '../ui/form.tsx'
import { Notice } from '../ui/notice.tsx'
import { Section } from '../ui/page.tsx'
import { readClaims } from './mapping.ts'

/** Whom a trial is about. */
export interface Trial {
  readonly claims?: Record<string, unknown>
  readonly user?: string
}

interface DryRunProps {
  /** What a claim gives, in the plural. */
  readonly things: string
  /** Claims to begin with. */
  readonly sample: string
  readonly run: (trial: Trial) => Promise<SyncExplanation>
  /** Among whom a user is looked for; everybody without it. */
  readonly organizationId?: string
}

/** What a sign-in would come to with the settings as they stand in the form, without anybody signing in (UI-1402). */
export function DryRun({ things, sample, run, organizationId }: DryRunProps) {
  const [typed, setTyped] = useState<string>()
  const [person, setPerson] = useState<PickedPerson>()
  const text = typed ?? sample
  const given = readClaims(text)
  const attempt = useMutation({
    mutationFn: () =>
      run({
        ...(given.ok && given.claims !== undefined ? { claims: given.claims } : {}),
        ...(person === undefined ? {} : { user: person.id }),
      }),
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (given.ok && !attempt.isPending) attempt.mutate()
  }
  return (
    <Section title="Try it" help="Tests the settings above, saved or not. Nothing is changed.">
      <form onSubmit={submit} className="flex flex-col gap-4">
        <Field
          label="Claims"
          {...(given.ok ? {} : { error: 'Claims are a JSON object, such as {"groups": ["devs"]}.' })}
          help={
            person === undefined
              ? 'As the identity provider sends them.'
              : `Leave empty to use the claims of ${person.username}'s last sign-in.`
          }
        >
          {(field) => (
            <TextArea
              {...field}
              rows={7}
              spellCheck={false}
              autoCapitalize="off"
              value={text}
              onChange={(event) => setTyped(event.target.value)}
              className="font-mono [font-variant-ligatures:none]"
            />
          )}
        </Field>
        <Field label="User" help={`Compares with their current ${things}. Leave empty for a new user.`}>
          {(field) =>
            person === undefined ? (
              <PersonPicker
                field={{ ...field, required: undefined }}
                {...(organizationId === undefined ? {} : { organizationId })}
                onPick={setPerson}
              />
            ) : (
              <div className="flex h-8 items-center justify-between gap-2 rounded-control border border-line bg-bg pl-2.5 pr-1 text-sm">
                <bdi className="truncate font-medium">{person.username}</bdi>
                <Button tone="quiet" size="dense" onClick={() => setPerson(undefined)}>
                  Nobody
                </Button>
              </div>
            )
          }
        </Field>
        <div className="flex justify-end">
          <Button type="submit" busy={attempt.isPending} disabled={!given.ok}>
            Try
          </Button>
        </div>
        <ErrorNotice error={attempt.error} title="It could not be tried" />
        {attempt.data === undefined ? null : (
          <Explanation explanation={attempt.data} things={things} person={person} />
        )}
      </form>
    </Section>
  )
}

const OUTCOMES: Readonly<Record<SyncOutcome, string>> = {
  mapped: 'mapped',
  named: 'by its name',
  created: 'would be created',
  filtered: 'filtered out',
  unknown: 'no match by name',
}

function Explanation({
  explanation,
  things,
  person,
}: {
  readonly explanation: SyncExplanation
  readonly things: string
  readonly person: PickedPerson | undefined
}) {
  if (!explanation.enabled)
    return (
      <Notice tone="info" title="The sync is off">
        Without a claim, signing in changes nothing.
      </Notice>
    )
  if (explanation.error !== '')
    return (
      <Notice tone="bad" title="The claim cannot be read">
        {explanation.error}
      </Notice>
    )
  const who = person?.username ?? 'A new user'
  return (
    <div role="status" className="flex flex-col gap-4 border-t border-line pt-4 text-sm">
      {explanation.values.length === 0 ? (
        <p className="text-ink-2">The claim has no values.</p>
      ) : (
        <table className="w-full">
          <thead>
            <tr className="text-left text-xs text-ink-2">
              <th scope="col" className="pb-1 pr-3 font-medium">
                Value
              </th>
              <th scope="col" className="pb-1 font-medium">
                Comes to
              </th>
            </tr>
          </thead>
          <tbody>
            {explanation.values.map(({ value, outcome, targets }) => (
              <tr key={value} className="align-top">
                <td className="border-t border-line py-1.5 pr-3">
                  <code className="break-all">{value}</code>
                </td>
                <td className="border-t border-line py-1.5">
                  {targets.length === 0 ? null : (
                    <span className="font-medium">{targets.map(({ name }) => name).join(', ')} </span>
                  )}
                  <span
                    className={classNames(
                      'text-xs',
                      outcome === 'unknown' || outcome === 'filtered' ? 'text-warn' : 'text-ink-2',
                    )}
                  >
                    {outcome === 'mapped' && targets.length === 0 ? 'mapped to nothing' : OUTCOMES[outcome]}
                  </span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <dl className="flex flex-col gap-1.5">
        <Line label={`${who} has after it`} targets={explanation.result} none={`no ${things}`} />
        {person === undefined ? null : (
          <>
            <Line label="Gains" targets={explanation.added} none="nothing" />
            <Line label="Loses" targets={explanation.removed} none="nothing" bad />
          </>
        )}
      </dl>
    </div>
  )
}

function Line({
  label,
  targets,
  none,
  bad = false,
}: {
  readonly label: string
  readonly targets: readonly SyncTarget[]
  readonly none: string
  readonly bad?: boolean
}) {
  return (
    <div className="flex flex-wrap gap-x-2">
      <dt className="text-ink-2">{label}</dt>
      <dd
        className={classNames(
          'min-w-0 font-medium',
          targets.length === 0 && 'font-normal text-ink-2',
          bad && targets.length > 0 && 'text-bad',
        )}
      >
        {targets.length === 0 ? none : targets.map(({ name }) => name).join(', ')}
      </dd>
    </div>
  )
}
