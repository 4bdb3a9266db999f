import { useQuery } from '@tanstack/react-query'
import { X } from 'lucide-react'
import { useState } from 'react'

import { describeError } from '../api/errors.ts'
import { Avatar } from '../ui/avatar.tsx'
import { Combobox, type ComboboxOption } from '../ui/combobox.tsx'
import type { FieldBinding } from '../ui/form.tsx'
import { useSettled } from '../ui/use-settled.ts'
import { memberSearchQuery, userSearchQuery } from './queries.ts'

/** Somebody who can be picked. */
export interface PickedPerson {
  readonly id: string
  readonly username: string
  readonly name: string
  readonly avatar_url: string
}

interface PersonPickerProps {
  readonly field?: FieldBinding
  readonly label?: string
  /** Among the members of this organization, or else among all users. */
  readonly organizationId?: string
  /** Why somebody cannot be picked; `undefined` when they can. */
  readonly refusal?: (
    person: PickedPerson & { readonly organization_ids?: readonly string[] },
  ) => string | undefined
  readonly onPick: (person: PickedPerson) => void
  readonly disabled?: boolean
  readonly autoFocus?: boolean
}

const SETTLE_MS = 150

/** Finds a user by name or email. */
export function PersonPicker({
  field,
  label,
  organizationId,
  refusal = () => undefined,
  onPick,
  disabled = false,
  autoFocus = false,
}: PersonPickerProps) {
  const [text, setText] = useState('')
  const wanted = useSettled(text, SETTLE_MS)
  const members = useQuery({
    ...memberSearchQuery(organizationId ?? '', wanted),
    enabled: organizationId !== undefined && !disabled,
  })
  const users = useQuery({
    ...userSearchQuery(wanted),
    enabled: organizationId === undefined && !disabled,
  })
  const found =
    organizationId === undefined
      ? users.data
      : members.data?.map((member) => ({ ...member, id: member.user_id, organization_ids: [] }))
  const error = members.error ?? users.error
  const options = found
    ?.map((person): ComboboxOption => {
      const refused = refusal(person)
      return {
        id: person.id,
        label: person.username,
        note: refused ?? (person.name === '' ? person.email : person.name),
        icon: <Avatar name={person.username} url={person.avatar_url} />,
        disabled: refused !== undefined,
      }
    })
    // Whom one looks for is seldom somebody who cannot be picked.
    .sort((a, b) => Number(a.disabled) - Number(b.disabled))
  return (
    <Combobox
      {...(field === undefined ? {} : { field })}
      {...(label === undefined ? {} : { label })}
      placeholder="Name or email"
      autoFocus={autoFocus}
      disabled={disabled}
      text={text}
      onText={setText}
      empty={error === null ? 'Nobody found' : describeError(error).message}
      options={error === null ? options : []}
      onChoose={({ id }) => {
        const person = found?.find((one) => one.id === id)
        setText('')
        if (person !== undefined) onPick(person)
      }}
    />
  )
}

/** Those who were picked, each with a way to take them out again. */
export function PickedPeople({
  people,
  onRemove,
}: {
  readonly people: readonly PickedPerson[]
  readonly onRemove: (person: PickedPerson) => void
}) {
  if (people.length === 0) return null
  return (
    <ul
      aria-label="Chosen"
      className="flex max-h-60 flex-col overflow-y-auto rounded-control border border-line"
    >
      {people.map((person) => (
        <li
          key={person.id}
          className="flex min-h-10 items-center gap-2.5 border-b border-line py-1 pl-2.5 pr-1 text-sm last:border-0"
        >
          <Avatar name={person.username} url={person.avatar_url} />
          <span className="min-w-0 flex-1 truncate">
            <bdi className="font-medium">{person.username}</bdi>{' '}
            <span className="text-xs text-ink-2">{person.name}</span>
          </span>
          <button
            type="button"
            aria-label={`Do not add ${person.username}`}
            onClick={() => onRemove(person)}
            className="inline-flex size-7 items-center justify-center rounded-control text-ink-3 hover:bg-hover hover:text-ink pointer-coarse:size-10"
          >
            <X className="size-3.5" />
          </button>
        </li>
      ))}
    </ul>
  )
}
