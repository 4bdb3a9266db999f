import { Outlet } from '@tanstack/react-router'

import { usePathname } from '../../navigation/app-link.tsx'
import { paths } from '../../paths.ts'
import { Breadcrumbs } from '../../ui/breadcrumbs.tsx'
import { Page } from '../../ui/page.tsx'
import { PageHeader } from '../../ui/page-header.tsx'
import { linkOf, SideNav } from '../../ui/side-nav.tsx'

const GROUPS = [
  {
    title: 'Your chats',
    links: [
      { to: paths.agentSettings('general'), label: 'General' },
      { to: paths.agentSettings('user-agents'), label: 'Models' },
      { to: paths.agentSettings('compaction'), label: 'Compaction' },
      { to: paths.agentSettings('personal-skills'), label: 'Personal skills' },
      { to: paths.agentSettings('api-keys'), label: 'API keys' },
    ],
  },
]

/** `/agents/settings`: how the viewer's own chats behave (UI-1153). */
export function AgentSettingsLayout() {
  const page = linkOf(
    GROUPS.flatMap(({ links }) => links),
    usePathname(),
  )
  return (
    <Page>
      <div className="max-w-[992px]">
        <div className="pb-3">
          <Breadcrumbs above={[{ label: 'Agents', href: paths.agents() }]} here="Settings" />
        </div>
        <PageHeader
          title="Settings of your agents"
          documentTitle={`${page === undefined ? '' : `${page.label} - `}Settings of your agents`}
          context="They count for all chats that you own"
        />
        <div className="lg:flex lg:gap-8">
          <SideNav label="Settings of your agents" groups={GROUPS} />
          <div className="min-w-0 flex-1">
            <Outlet />
          </div>
        </div>
      </div>
    </Page>
  )
}
