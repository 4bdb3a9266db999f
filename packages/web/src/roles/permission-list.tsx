import type { AssignableRoles, Permission } from '@slipway/contract'
import { actionLabel, resourceLabel } from './permission-matrix.ts'

const LEVELS = [
  ['organization_permissions', 'In the whole organization'],
  ['organization_member_permissions', 'On what they own in the organization'],
  ['site_permissions', 'In the whole deployment'],
  ['user_permissions', 'On what they own anywhere'],
] as const

/** What a role permits and refuses, to read (UI-1402). */
export function PermissionList({ role }: { readonly role: AssignableRoles }) {
  const parts = LEVELS.flatMap(([key, title]) => [
    { title, list: role[key].filter(({ negate }) => !negate) },
    {
      title: `${title}: refused, whatever other roles allow`,
      list: role[key].filter(({ negate }) => negate),
    },
  ]).filter(({ list }) => list.length > 0)
  if (parts.length === 0) return <p className="text-sm text-ink-2">This role does not permit anything yet.</p>
  return (
    <div className="flex flex-col gap-6">
      {parts.map(({ title, list }) => (
        <section key={title}>
          <h3 className="mb-1 text-xs font-medium text-ink-2">{title}</h3>
          <dl className="text-sm">
            {grouped(list).map(([type, actions]) => (
              <div key={type} className="flex flex-wrap gap-x-4 border-b border-line py-1.5 last:border-b-0">
                <dt className="w-56 shrink-0">{resourceLabel(type)}</dt>
                <dd className="min-w-0 flex-1 basis-40 text-ink-2">
                  {actions.includes('*') ? 'Everything' : actions.map(actionLabel).join(', ')}
                </dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </div>
  )
}

function grouped(permissions: readonly Permission[]): readonly (readonly [string, readonly string[]])[] {
  return [...Map.groupBy(permissions, ({ resource_type }) => resource_type)].map(([type, list]) => [
    type,
    list.map(({ action }) => action),
  ])
}
