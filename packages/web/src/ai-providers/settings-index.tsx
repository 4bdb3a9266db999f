import { Navigate } from '@tanstack/react-router'

import { mayManageMcpServers } from '../mcp-servers/may-manage.ts'
import { paths } from '../paths.ts'
import { usePermissions } from '../session/session.tsx'
import { PageSkeleton } from '../ui/skeleton.tsx'
import { NoPermission } from '../users/no-permission.tsx'

/** `/ai/settings`: the first of its pages that the viewer may open. */
export function AiSettingsIndex() {
  const permissions = usePermissions()
  if (permissions === undefined) return <PageSkeleton />
  const first = permissions.viewAnyAIProvider
    ? paths.aiProviders()
    : permissions.editDeploymentConfig
      ? paths.aiModels()
      : mayManageMcpServers(permissions)
        ? paths.mcpServers()
        : undefined
  return first === undefined ? (
    <NoPermission what="see the AI settings" permission="viewAnyAIProvider" />
  ) : (
    <Navigate to={first} replace />
  )
}
