import { Outlet } from '@tanstack/react-router'

import { paths } from '../paths.ts'
import { useUser } from '../session/session.tsx'
import { Page } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { TabLinks } from '../ui/tabs.tsx'

/** The viewer's own settings. */
export function SettingsLayout() {
  const user = useUser()
  return (
    <Page width="narrow">
      <PageHeader title="Settings" context={`of ${user.username}, ${user.email}`} />
      <TabLinks
        label="Settings"
        tabs={[
          { to: paths.settings('account'), label: 'Account' },
          { to: paths.settings('security'), label: 'Security' },
          { to: paths.settings('appearance'), label: 'Appearance' },
          { to: paths.settings('ssh-keys'), label: 'SSH key' },
          { to: paths.settings('tokens'), label: 'Tokens', also: [paths.settings('tokens/new')] },
        ]}
      />
      <Outlet />
    </Page>
  )
}
