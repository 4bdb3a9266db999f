import { Outlet } from '@tanstack/react-router'

import { paths } from '../paths.ts'
import { useUser } from '../session/session.tsx'
import { Page } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { SideNav, type SideNavGroup } from '../ui/side-nav.tsx'

const GROUPS: readonly SideNavGroup[] = [
  {
    title: 'You',
    links: [
      { to: paths.settings('account'), label: 'Account' },
      { to: paths.settings('security'), label: 'Security' },
      { to: paths.settings('sessions'), label: 'Sessions' },
    ],
  },
  {
    title: 'Access',
    links: [
      { to: paths.settings('tokens'), label: 'Tokens' },
      { to: paths.settings('ssh-keys'), label: 'SSH key' },
      { to: paths.settings('external-auth'), label: 'External auth' },
      { to: paths.settings('secrets'), label: 'Secrets' },
    ],
  },
  {
    title: 'Preferences',
    links: [
      { to: paths.settings('appearance'), label: 'Appearance' },
      { to: paths.settings('schedule'), label: 'Schedule' },
    ],
  },
]

/** The viewer's own settings. */
export function SettingsLayout() {
  const user = useUser()
  return (
    <Page>
      <div className="mx-auto max-w-[992px]">
        <PageHeader title="Settings" context={`of ${user.username}, ${user.email}`} />
        <div className="lg:flex lg:gap-8">
          <SideNav label="Settings" groups={GROUPS} />
          <div className="min-w-0 flex-1">
            <Outlet />
          </div>
        </div>
      </div>
    </Page>
  )
}
