import { PowerOff } from 'lucide-react'

import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { usePermissions } from '../session/session.tsx'
import { buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'

/** In the place of the pages of tasks where the deployment does not serve them (WS-250, UI-314). */
export function TasksOff() {
  const permissions = usePermissions()
  return (
    <EmptyState
      page
      icon={PowerOff}
      title="Tasks are switched off"
      action={
        permissions?.createChat === true ? (
          <AppLink href={paths.agents()} className={buttonClass({ tone: 'primary' })}>
            Go to agents
          </AppLink>
        ) : undefined
      }
    >
      Whoever runs the server enables them with <code>CODER_ENABLE_AI_TASKS=true</code>.
    </EmptyState>
  )
}
