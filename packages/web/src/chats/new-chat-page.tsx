import { useQuery } from '@tanstack/react-query'
import { Lock, PowerOff } from 'lucide-react'

import { AppLink } from '../navigation/app-link.tsx'
import { organizationsForQuery } from '../organizations/queries.ts'
import { paths } from '../paths.ts'
import { usePermissions, useUser } from '../session/session.tsx'
import { buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { GATEWAY_ENABLED } from './gateway.ts'
import { MissingModels } from './missing-models.tsx'
import { modelOffers } from './model-choice.ts'
import { NewChatForm } from './new-chat-form.tsx'
import { PaneHeader } from './pane-header.tsx'
import { chatModelsQuery, modelConfigsQuery, ownModelsQuery } from './queries.ts'
import { STARTS_CHATS } from './starts-chats.ts'
import { useChatTitle } from './use-chat-title.ts'

/** `/agents`: a new chat, or what is missing before there can be one (UI-1103). */
export function NewChatPage() {
  const heading = useChatTitle('New chat')
  return (
    <>
      <PaneHeader />
      <div data-pane="new" className="min-h-0 flex-1 overflow-y-auto">
        <div className="mx-auto flex min-h-full w-full max-w-[760px] flex-col px-4 pb-16 pt-4 sm:pt-[clamp(24px,14vh,160px)] sm:px-6">
          <h1 ref={heading} tabIndex={-1} className="sr-only">
            New chat
          </h1>
          <Content />
        </div>
      </div>
    </>
  )
}

function Content() {
  const permissions = usePermissions()
  const mayCreate = permissions?.createChat === true && GATEWAY_ENABLED
  const organizations = useQuery({ ...organizationsForQuery(STARTS_CHATS), enabled: mayCreate })
  const models = useQuery({ ...chatModelsQuery, enabled: mayCreate })
  const configs = useQuery({ ...modelConfigsQuery, enabled: mayCreate })
  const own = useQuery({ ...ownModelsQuery, enabled: mayCreate })
  if (permissions?.createChat === false) return <MayNotCreate />
  if (!GATEWAY_ENABLED) return <FeatureOff />
  const failed = [organizations, models, configs].find((one) => one.isError && one.data === undefined)
  if (failed !== undefined)
    return (
      <ErrorNotice
        error={failed.error}
        title="A chat cannot be started"
        onRetry={() => void failed.refetch()}
      />
    )
  // Own models are a wish: a failure of theirs stops nobody.
  if (
    organizations.data === undefined ||
    models.data === undefined ||
    configs.data === undefined ||
    (own.data === undefined && !own.isError)
  )
    return <FormSkeleton />
  if (organizations.data.length === 0) return <MayNotCreate />
  const offers = modelOffers(models.data.providers, configs.data)
  return offers.some(({ unavailable }) => unavailable === undefined) ? (
    <NewChatForm organizations={organizations.data} offers={offers} own={own.data} />
  ) : (
    <MissingModels models={models.data} />
  )
}

function MayNotCreate() {
  const user = useUser()
  return (
    <EmptyState icon={Lock} title="You may not start chats">
      You are signed in as {user.username}. What is missing is the role <strong>Coder Agents User</strong> (
      <code>agents-access</code>) in an organization; one of its administrators can give it to you. Chats that
      are shared with you stay readable.
    </EmptyState>
  )
}

function FeatureOff() {
  const permissions = usePermissions()
  return (
    <EmptyState
      icon={PowerOff}
      title="Agents are switched off"
      {...(permissions?.viewDeploymentConfig === true
        ? {
            action: (
              <AppLink
                href={paths.deployment('overview', { filter: 'ai-gateway' })}
                className={buttonClass({ tone: 'primary' })}
              >
                Look at the options
              </AppLink>
            ),
          }
        : {})}
    >
      The AI gateway is disabled, so no model can be reached. Whoever runs the server enables it with{' '}
      <code>CODER_AI_GATEWAY_ENABLED=true</code>. Chats that are there stay readable.
    </EmptyState>
  )
}

function FormSkeleton() {
  return (
    <AfterDelay>
      <div aria-busy="true" className="flex flex-col gap-4">
        <span role="status" className="sr-only">
          Loading
        </span>
        <div className="skeleton h-7 w-64" />
        <div className="skeleton h-36 rounded-dialog" />
      </div>
    </AfterDelay>
  )
}
