import { Outlet } from '@tanstack/react-router'

import { usePathname } from '../navigation/app-link.tsx'
import { useOAuth2Shown } from '../oauth2-apps/use-oauth2-shown.ts'
import { paths } from '../paths.ts'
import { usePermissions } from '../session/session.tsx'
import { useCheck } from '../session/use-check.ts'
import { Page } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { linkOf } from '../ui/side-nav.tsx'
import { PageSkeleton } from '../ui/skeleton.tsx'
import { TabLinks } from '../ui/tabs.tsx'
import { NoPermission } from '../users/no-permission.tsx'
import { PAGES } from './options.ts'

/** Everything about the deployment as a whole; each viewer has the tabs that they may open. */
export function DeploymentLayout() {
  const permissions = usePermissions()
  const mayExplain = useCheck('read', { resource_type: 'audit_log' })
  const mayNotify = useCheck('read', { resource_type: 'notification_template' })
  const oauth2 = useOAuth2Shown()
  const pathname = usePathname()
  if (permissions === undefined || mayExplain === undefined) return <PageSkeleton />
  if (!permissions.viewDeploymentConfig && !mayExplain && mayNotify !== true)
    return <NoPermission what="see how the deployment is set up" permission="viewDeploymentConfig" />
  const tabs = [
    ...(permissions.viewDeploymentConfig
      ? PAGES.map(({ page, label }) => ({ to: paths.deployment(page), label }))
      : []),
    ...(permissions.viewDeploymentConfig
      ? [{ to: paths.deployment('appearance'), label: 'Appearance' }]
      : []),
    ...(permissions.viewDeploymentConfig && oauth2 ? [{ to: paths.oauth2Apps(), label: 'OAuth2 apps' }] : []),
    ...(mayNotify === true ? [{ to: paths.deployment('notifications'), label: 'Notifications' }] : []),
    ...(mayExplain ? [{ to: paths.explainAccess(), label: 'Access' }] : []),
  ]
  const page = linkOf(tabs, pathname)
  return (
    <Page>
      <PageHeader
        title="Deployment"
        {...(page === undefined ? {} : { documentTitle: `${page.label} - Deployment` })}
        context="How this server is set up, and who may do what"
      />
      <TabLinks label="Deployment" tabs={tabs} />
      <Outlet />
    </Page>
  )
}
