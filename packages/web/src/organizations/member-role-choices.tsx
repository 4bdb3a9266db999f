import { useQuery } from '@tanstack/react-query'

import type { AssignableRoles } from '@slipway/contract'
import { rolesQuery } from '../roles/queries.ts'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { LabelledToggle } from '../ui/form.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { roleAbout, roleTitle } from './role-words.ts'

interface MemberRoleChoicesProps {
  readonly organizationId: string
  readonly value: readonly string[]
  readonly onChange: (roles: readonly string[]) => void
  /** Roles that every member has anyway: shown as such, and not to be taken. */
  readonly given?: readonly string[]
  readonly locked?: boolean
}

/** The roles of an organization as check marks, its own first; those that the viewer may not give are locked. */
export function MemberRoleChoices({
  organizationId,
  value,
  onChange,
  given = [],
  locked = false,
}: MemberRoleChoicesProps) {
  const roles = useQuery(rolesQuery(organizationId))
  if (roles.data === undefined)
    return roles.isError ? (
      <ErrorNotice
        error={roles.error}
        title="The roles could not be read"
        onRetry={() => void roles.refetch()}
      />
    ) : (
      <AfterDelay>
        <div className="flex flex-col gap-3">
          {[0, 1, 2, 3].map((row) => (
            <div key={row} className="skeleton h-5 w-48" />
          ))}
        </div>
      </AfterDelay>
    )
  const group = (title: string, list: readonly AssignableRoles[]) =>
    list.length === 0 ? null : (
      <fieldset className="flex flex-col gap-3.5">
        <legend className="mb-2.5 text-xs font-medium text-ink-2">{title}</legend>
        {list.map((role) => {
          const always = given.includes(role.name)
          return (
            <LabelledToggle
              key={role.name}
              kind="checkbox"
              label={roleTitle(role)}
              help={
                always
                  ? 'Every member has it.'
                  : role.assignable || locked
                    ? roleAbout(role)
                    : 'You may not assign or remove this role.'
              }
              checked={always || value.includes(role.name)}
              disabled={always || locked || !role.assignable}
              onChange={(on) =>
                onChange(on ? [...value, role.name] : value.filter((name) => name !== role.name))
              }
            />
          )
        })}
      </fieldset>
    )
  return (
    <div className="flex flex-col gap-5">
      {group(
        'Roles of the organization',
        roles.data.filter((role) => !role.built_in),
      )}
      {group(
        'Built-in roles',
        roles.data.filter((role) => role.built_in),
      )}
    </div>
  )
}
