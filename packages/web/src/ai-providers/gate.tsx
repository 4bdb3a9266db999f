import type { ReactNode } from 'react'

import type { Permission } from '../session/queries.ts'
import { usePermissions } from '../session/session.tsx'
import { PageSkeleton } from '../ui/skeleton.tsx'
import { NoPermission } from '../users/no-permission.tsx'

/** A page for those who have a permission (UI-313). */
export function Gate({
  what,
  permission,
  children,
}: {
  /** "manage model providers" */
  readonly what: string
  readonly permission: Permission
  readonly children: () => ReactNode
}) {
  const permissions = usePermissions()
  if (permissions === undefined) return <PageSkeleton />
  return permissions[permission] ? children() : <NoPermission what={what} permission={permission} />
}
