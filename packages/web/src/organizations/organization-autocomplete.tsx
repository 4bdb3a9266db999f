import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import type { Organization } from '@slipway/contract'
import { describeError } from '../api/errors.ts'
import { Combobox } from '../ui/combobox.tsx'
import type { FieldBinding } from '../ui/form.tsx'
import { ThingIcon } from '../ui/thing-icon.tsx'
import { matching, titlesOf } from './organization-titles.ts'
import { type OrganizationQuestion, organizationsForQuery } from './queries.ts'

interface OrganizationAutocompleteProps {
  readonly field?: FieldBinding
  readonly label?: string
  /** What the viewer is about to do there; where they may not, the organization is not offered. */
  readonly question: OrganizationQuestion
  readonly value: Organization | undefined
  /** Without one when it was cleared. */
  readonly onChange: (organization: Organization | undefined) => void
  /** Ids that are not offered. */
  readonly except?: readonly string[]
  /** There is always one: it can be changed, not cleared. */
  readonly required?: boolean
}

/** Finds an organization in which the viewer may do something, by display name and name (UI-509). */
export function OrganizationAutocomplete({
  field,
  label,
  question,
  value,
  onChange,
  except = [],
  required = false,
}: OrganizationAutocompleteProps) {
  const organizations = useQuery(organizationsForQuery(question))
  /** While somebody types; after that the title of the chosen one stands there. */
  const [typed, setTyped] = useState<string>()
  const open = organizations.data?.filter(({ id }) => !except.includes(id))
  const titles = titlesOf(organizations.data ?? [])
  return (
    <Combobox
      {...(field === undefined ? {} : { field })}
      {...(label === undefined ? {} : { label })}
      placeholder="Name of the organization"
      text={typed ?? (value === undefined ? '' : (titles.get(value.id) ?? value.name))}
      onText={setTyped}
      onLeave={() => setTyped(undefined)}
      {...(value === undefined || typed !== undefined
        ? {}
        : {
            icon: <ThingIcon src={value.icon} className="size-4" />,
            ...(required
              ? {}
              : {
                  onClear: () => {
                    onChange(undefined)
                    setTyped('')
                  },
                }),
          })}
      options={
        open === undefined
          ? organizations.isError
            ? []
            : undefined
          : matching(open, typed ?? '').map((one) => ({
              id: one.id,
              label: titles.get(one.id) ?? one.name,
              note:
                titles.get(one.id) === one.display_name && one.display_name !== one.name
                  ? one.name
                  : undefined,
              icon: <ThingIcon src={one.icon} className="size-4" />,
            }))
      }
      empty={
        organizations.isError
          ? describeError(organizations.error).message
          : typed === undefined || typed === ''
            ? 'There are no others to choose'
            : 'No organization found'
      }
      onChoose={({ id }) => {
        setTyped(undefined)
        onChange(open?.find((one) => one.id === id))
      }}
    />
  )
}
