import { X } from 'lucide-react'

import type { Organization } from '@slipway/contract'
import { OrganizationAutocomplete } from '../organizations/organization-autocomplete.tsx'
import { organizationTitle } from '../organizations/organization-titles.ts'
import type { OrganizationQuestion } from '../organizations/queries.ts'
import { Field } from '../ui/form.tsx'
import { ThingIcon } from '../ui/thing-icon.tsx'

/** What making an account does in its organizations. */
export const MEMBERSHIP: OrganizationQuestion = ['organization_member', 'create']

/** The organizations that a new account belongs to from the start. */
export function UserOrganizations({
  value,
  onChange,
  error,
}: {
  readonly value: readonly Organization[]
  readonly onChange: (organizations: readonly Organization[]) => void
  readonly error: string | undefined
}) {
  return (
    <div className="flex flex-col gap-3">
      {value.length === 0 ? null : (
        <ul aria-label="Organizations of the account" className="rounded-control border border-line">
          {value.map((organization) => (
            <li
              key={organization.id}
              className="flex min-h-9 items-center gap-2.5 border-b border-line py-1 pl-2.5 pr-1 text-sm last:border-0"
            >
              <ThingIcon src={organization.icon} className="size-4" />
              <span className="min-w-0 flex-1 truncate">
                <bdi className="font-medium">{organizationTitle(organization)}</bdi>
              </span>
              <button
                type="button"
                aria-label={`Not in ${organizationTitle(organization)}`}
                onClick={() => onChange(value.filter(({ id }) => id !== organization.id))}
                className="inline-flex size-7 items-center justify-center rounded-control text-ink-3 hover:bg-hover hover:text-ink pointer-coarse:size-10"
              >
                <X className="size-3.5" />
              </button>
            </li>
          ))}
        </ul>
      )}
      <Field label={value.length === 0 ? 'Organization' : 'Another organization'} error={error}>
        {(field) => (
          <OrganizationAutocomplete
            field={field}
            question={MEMBERSHIP}
            value={undefined}
            onChange={(added) => (added === undefined ? undefined : onChange([...value, added]))}
            except={value.map(({ id }) => id)}
          />
        )}
      </Field>
    </div>
  )
}
