import { useQuery } from '@tanstack/react-query'
import { Check, KeyRound, Plug } from 'lucide-react'
import type { ReactNode } from 'react'

import type { ChatModelsResponse } from '@slipway/contract'
import { providersQuery } from '../ai-providers/queries.ts'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { usePermissions } from '../session/session.tsx'
import { buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { Notice } from '../ui/notice.tsx'

/** No model can be used: administrators see what to do, others whom to ask (UI-1103). */
export function MissingModels({ models }: { readonly models: ChatModelsResponse }) {
  const permissions = usePermissions()
  const admin = permissions?.viewAnyAIProvider === true
  const ownKey = models.providers.some(
    ({ unavailable_reason: reason, models: offered }) =>
      reason === 'user_api_key_required' && offered.length > 0,
  )
  if (ownKey)
    return (
      <EmptyState
        icon={KeyRound}
        title="Your own key is needed"
        action={
          <AppLink href={paths.agentSettings('api-keys')} className={buttonClass({ tone: 'primary' })}>
            Add your key
          </AppLink>
        }
      >
        There are models, and each of them wants a key of yours. It is stored encrypted, and used for your
        chats only.
      </EmptyState>
    )
  return admin ? (
    <Checklist models={models} mayEdit={permissions.editDeploymentConfig} />
  ) : (
    <EmptyState icon={Plug} title="No model yet">
      An administrator of this deployment has to add a model provider and a model before anybody can start a
      chat.
    </EmptyState>
  )
}

function Checklist({ models, mayEdit }: { readonly models: ChatModelsResponse; readonly mayEdit: boolean }) {
  const providers = useQuery(providersQuery)
  const enabled = (providers.data ?? []).filter((provider) => provider.enabled)
  const healthy = enabled.filter(({ status }) => status === 'enabled')
  const known = models.providers.some(({ models: offered }) => offered.length > 0)
  const failing = enabled.find(({ status }) => status === 'error')
  return (
    <section aria-labelledby="missing-models" className="flex flex-col gap-4">
      <div>
        <h2 id="missing-models" className="text-xl font-semibold tracking-[-0.012em]">
          Two steps to the first chat
        </h2>
        <p className="mt-1 text-sm text-ink-2">
          Agents think with models of a provider that you have an account with, or that you run yourselves.
        </p>
      </div>
      <ol className="overflow-hidden rounded-card border border-line bg-surface">
        <Step
          number={1}
          done={healthy.length > 0}
          title="Add a model provider"
          action={
            mayEdit && healthy.length === 0 ? (
              failing === undefined ? (
                <AppLink href={paths.newAiProvider()} className={buttonClass({ tone: 'primary' })}>
                  Add a provider
                </AppLink>
              ) : (
                <AppLink href={paths.aiProvider(failing.name)} className={buttonClass({ tone: 'primary' })}>
                  Repair {failing.display_name}
                </AppLink>
              )
            ) : null
          }
        >
          {healthy.length > 0
            ? healthy.map(({ display_name: name }) => name).join(', ')
            : failing === undefined
              ? 'OpenAI, Anthropic, Google, Bedrock, Azure, OpenRouter, or any server that speaks like OpenAI.'
              : `${failing.display_name}: ${failing.status_detail}`}
        </Step>
        <Step
          number={2}
          done={known}
          title="Choose a model"
          action={
            mayEdit && healthy.length > 0 && !known ? (
              <AppLink
                href={paths.newAiModel({ provider: healthy[0]?.name ?? '' })}
                className={buttonClass({ tone: 'primary' })}
              >
                Add a model
              </AppLink>
            ) : null
          }
        >
          The first one becomes the default of all chats.
        </Step>
      </ol>
      {models.unsupported_providers.length === 0 ? null : (
        <Notice tone="info" title="Some providers are not for agents">
          {models.unsupported_providers.map(({ display_name: name }) => name).join(', ')}: served by the
          gateway, but chats cannot use their type.
        </Notice>
      )}
    </section>
  )
}

function Step({
  number,
  done,
  title,
  action,
  children,
}: {
  readonly number: number
  readonly done: boolean
  readonly title: string
  readonly action: ReactNode
  readonly children: ReactNode
}) {
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-3 border-b border-line px-4 py-3.5 last:border-b-0">
      <span
        className={`inline-flex size-6 shrink-0 items-center justify-center self-start rounded-full border text-xs font-medium ${done ? 'border-ok bg-ok-wash text-ok' : 'border-line-strong text-ink-2'}`}
      >
        {done ? <Check className="size-3.5" aria-label="Done" /> : number}
      </span>
      <div className="min-w-0 flex-1 basis-52">
        <div className="text-sm font-medium">{title}</div>
        <div className="text-sm text-ink-2">{children}</div>
      </div>
      {action}
    </li>
  )
}
