import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'

import {
  deleteGroupAIModelPolicy,
  type Group,
  type GroupAIModelPolicy,
  upsertGroupAIModelPolicy,
} from '@slipway/contract'
import { api } from '../api/client.ts'
import { fieldError } from '../api/errors.ts'
import { groupTitle } from '../groups/group-words.ts'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, TextArea } from '../ui/form.tsx'
import { Section } from '../ui/page.tsx'
import { toasts } from '../ui/toast.tsx'
import { type PolicyDraft, policyDraft, policyFaults, policyOf } from './group-rules.ts'
import { refreshBudgets } from './queries.ts'
import { SaveBar } from './save-bar.tsx'

const FIELDS: readonly {
  readonly name: keyof PolicyDraft
  readonly label: string
  readonly help: string
  readonly placeholder: string
}[] = [
  {
    name: 'allow',
    label: 'Only these',
    help: 'Leave empty to allow every model.',
    placeholder: 'claude-*\nopenai/gpt-5*',
  },
  {
    name: 'deny',
    label: 'Never these',
    help: 'Takes precedence over “Only these” and over other groups.',
    placeholder: '*-preview',
  },
  {
    name: 'aliases',
    label: 'Aliases',
    help: 'One “name = model” per line: names that clients may ask for instead.',
    placeholder: 'fast = claude-haiku-4-5',
  },
]

/** Which models members of a group may use, and what they may call them (AG-B9). */
export function GroupPolicyForm({
  group,
  policy,
  locked,
}: {
  readonly group: Group
  readonly policy: GroupAIModelPolicy | null
  readonly locked: boolean
}) {
  const saved = policyDraft(policy)
  const [draft, setDraft] = useState(saved)
  const [attempted, setAttempted] = useState(false)
  const same = JSON.stringify(draft) === JSON.stringify(saved)
  const faults = policyFaults(draft)
  const save = useMutation({
    mutationFn: async () => {
      const params = { group: group.id }
      const body = policyOf(draft)
      if (body !== undefined) await api.call(upsertGroupAIModelPolicy, { params, body })
      else if (policy !== null) await api.call(deleteGroupAIModelPolicy, { params })
    },
    onSuccess: async () => {
      await refreshBudgets()
      toasts.done(`The models of ${groupTitle(group)} were saved`)
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setAttempted(true)
    if (Object.keys(faults).length === 0 && !same && !save.isPending) save.mutate()
  }
  return (
    <Section
      title="Models"
      help="One name per line; * matches any characters, and a provider’s name may stand before a slash. A member of several groups may use what any of them allows and none denies."
    >
      <form onSubmit={submit} noValidate className="flex flex-col gap-5">
        <ErrorNotice error={save.error} title="The models were not saved" />
        <fieldset disabled={locked} className="grid min-w-0 gap-5 sm:grid-cols-2">
          <legend className="sr-only">Models</legend>
          {FIELDS.map(({ name, label, help, placeholder }) => (
            <div key={name} className={name === 'aliases' ? 'min-w-0 sm:col-span-2' : 'min-w-0'}>
              <Field
                label={label}
                help={help}
                error={(attempted ? faults[name] : undefined) ?? fieldError(save.error, name)}
              >
                {(field) => (
                  <TextArea
                    {...field}
                    rows={name === 'aliases' ? 3 : 4}
                    spellCheck={false}
                    autoCapitalize="off"
                    className="font-mono"
                    placeholder={placeholder}
                    value={draft[name]}
                    onChange={(event) => setDraft({ ...draft, [name]: event.target.value })}
                  />
                )}
              </Field>
            </div>
          ))}
        </fieldset>
        {locked ? null : (
          <SaveBar
            verb="Save models"
            same={same}
            busy={save.isPending}
            onDiscard={() => {
              setDraft(saved)
              setAttempted(false)
              save.reset()
            }}
          />
        )}
      </form>
    </Section>
  )
}
