import type { ReactNode } from 'react'

import { Page } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { AiTabs } from './ai-tabs.tsx'
import { Gate } from './gate.tsx'

/** A page of settings of agents for the whole deployment (UI-1304). */
export function SettingsPage({
  title,
  context,
  children,
}: {
  readonly title: string
  readonly context: string
  readonly children: ReactNode
}) {
  return (
    <Gate what="change how agents work" permission="editDeploymentConfig">
      {() => (
        <Page>
          <PageHeader title={title} documentTitle={`${title} - AI`} context={context} />
          <AiTabs />
          <div className="flex max-w-3xl flex-col gap-4">{children}</div>
        </Page>
      )}
    </Gate>
  )
}
