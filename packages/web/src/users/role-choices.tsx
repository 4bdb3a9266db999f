import { useQuery } from '@tanstack/react-query'

import { ErrorNotice } from '../ui/error-notice.tsx'
import { LabelledToggle } from '../ui/form.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { siteRolesQuery } from './queries.ts'
import { roleTitle } from './user-look.ts'

const WORDS: Readonly<Record<string, string>> = {
  owner: 'May do everything in the deployment.',
  'user-admin': 'Manages users, groups and organizations.',
  'template-admin': 'Manages all templates, and the workspaces made from them.',
  auditor: 'Reads the audit log and everything that it is about.',
}

/** Roles as check marks; those that the viewer may not give are shown and locked. */
export function RoleChoices({
  value,
  onChange,
}: {
  readonly value: readonly string[]
  readonly onChange: (roles: readonly string[]) => void
}) {
  const roles = useQuery(siteRolesQuery)
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
          {[0, 1, 2].map((row) => (
            <div key={row} className="skeleton h-5 w-48" />
          ))}
        </div>
      </AfterDelay>
    )
  return (
    <div className="flex flex-col gap-3.5">
      {roles.data
        .filter(({ name }) => name !== 'member')
        .map((role) => (
          <LabelledToggle
            key={role.name}
            kind="checkbox"
            label={roleTitle(role)}
            help={role.assignable ? WORDS[role.name] : 'You may not assign or remove this role.'}
            checked={value.includes(role.name)}
            disabled={!role.assignable}
            onChange={(on) =>
              onChange(on ? [...value, role.name] : value.filter((name) => name !== role.name))
            }
          />
        ))}
    </div>
  )
}
