import type { LoginType } from '@slipway/contract'
import { paths } from '../paths.ts'
import { Person } from '../ui/person.tsx'
import type { Column } from '../ui/table.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { loginLabel } from './user-look.ts'

/** An account as lists of members have it. */
interface Account {
  readonly username: string
  readonly name: string
  readonly email: string
  readonly avatar_url: string
  readonly login_type: LoginType
  readonly is_service_account: boolean
  readonly status: string
  readonly last_seen_at?: string
}

/** Columns of tables of members, of an organization or of a group. */
export const accountColumns = {
  member: {
    id: 'name',
    header: 'Member',
    cell: (row) => (
      <Person
        username={row.username}
        name={row.name}
        avatarUrl={row.avatar_url}
        note={row.email}
        link={{
          href: paths.workspaces({ filter: `owner:${row.username}` }),
          title: `Workspaces of ${row.username}`,
        }}
      />
    ),
  },
  login: {
    id: 'login',
    header: 'Signs in by',
    from: 'xl',
    cell: (row) => (
      <span className="whitespace-nowrap text-ink-2">
        {loginLabel(row)}
        {row.status === 'suspended' ? ', suspended' : ''}
      </span>
    ),
  },
  seen: {
    id: 'seen',
    header: 'Last seen',
    from: 'lg',
    cell: (row) => (
      <span className="whitespace-nowrap text-ink-2">
        <TimeAgo time={row.last_seen_at} />
      </span>
    ),
  },
} as const satisfies Record<string, Column<Account>>
