import { useMutation, useQuery } from '@tanstack/react-query'
import { useRef, useState } from 'react'

import { type AIProvider, type ChatModelConfig, createChatModelConfig } from '@slipway/contract'
import { api } from '../api/client.ts'
import { modelConfigsQuery, refreshModels } from '../chats/queries.ts'
import { useAddress } from '../navigation/address.ts'
import { AppLink, useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { Breadcrumbs } from '../ui/breadcrumbs.tsx'
import { buttonClass } from '../ui/button.tsx'
import { ErrorPage } from '../ui/error-notice.tsx'
import { Page } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { PageSkeleton } from '../ui/skeleton.tsx'
import { toasts } from '../ui/toast.tsx'
import { UnsavedChanges } from '../ui/unsaved-changes.tsx'
import { Gate } from './gate.tsx'
import { fromKnown, isSameModel, knownModels, modelDraft, modelRequest, NEW_MODEL } from './model-draft.ts'
import { ModelForm } from './model-form.tsx'
import { modelTitle } from './model-title.ts'
import { providerKind } from './provider-types.ts'
import { providersQuery } from './queries.ts'

/** `/ai/settings/models/add?provider=&duplicate=`. */
export function NewAiModelPage() {
  return (
    <Gate what="add models" permission="editDeploymentConfig">
      {() => <Loaded />}
    </Gate>
  )
}

function Loaded() {
  const [{ provider, duplicate }] = useAddress()
  const providers = useQuery(providersQuery)
  const models = useQuery(modelConfigsQuery)
  const failed = [providers, models].find((one) => one.isError && one.data === undefined)
  if (failed !== undefined)
    return (
      <ErrorPage
        title="The providers could not be read"
        error={failed.error}
        onRetry={() => void failed.refetch()}
      />
    )
  if (providers.data === undefined || models.data === undefined) return <PageSkeleton />
  return (
    <NewModel
      providers={providers.data}
      models={models.data}
      provider={providers.data.find(({ name, id }) => name === provider || id === provider)}
      duplicate={models.data.find(({ id }) => id === duplicate)}
    />
  )
}

function NewModel({
  providers,
  models,
  provider,
  duplicate,
}: {
  readonly providers: readonly AIProvider[]
  readonly models: readonly ChatModelConfig[]
  readonly provider: AIProvider | undefined
  readonly duplicate: ChatModelConfig | undefined
}) {
  const go = useGo()
  const usable = providers.filter(({ enabled, type }) => enabled && providerKind(type).forAgents)
  const [begun] = useState(() => {
    if (duplicate !== undefined)
      return { ...modelDraft(duplicate), is_default: false, display_name: `${modelTitle(duplicate)} (copy)` }
    const first = provider ?? (usable.length === 1 ? usable[0] : undefined)
    // The first model becomes the default in any case (CH-503).
    const empty = { ...NEW_MODEL, provider: first?.id ?? '', is_default: models.length === 0 }
    const known = knownModels(first?.type)[0]
    return known === undefined || models.some(({ ai_provider_id: id }) => id === first?.id)
      ? empty
      : fromKnown(empty, known)
  })
  const [draft, setDraft] = useState(begun)
  const changed = useRef(false)
  const create = useMutation({
    mutationFn: () => api.call(createChatModelConfig, { body: modelRequest(draft) }),
    onSuccess: async (made) => {
      changed.current = false
      toasts.done(`The model ${modelTitle(made)} was added`)
      go(paths.aiModels(), { replace: true })
      await refreshModels()
    },
  })
  return (
    <Page width="narrow">
      <div className="pb-3">
        <Breadcrumbs above={[{ label: 'Models', href: paths.aiModels() }]} here="New model" />
      </div>
      <PageHeader
        title="New model"
        documentTitle="New model - Models"
        context="Agents can use it as soon as you add it"
      />
      <ModelForm
        draft={draft}
        onChange={(patch) => {
          const next = { ...draft, ...patch }
          setDraft(next)
          changed.current = !isSameModel(begun, next)
        }}
        stored={duplicate !== undefined}
        isDefault={models.length === 0}
        verb="Add model"
        failure="The model was not added"
        busy={create.isPending}
        error={create.error}
        cancel={
          <AppLink href={paths.aiModels()} className={buttonClass({})}>
            Cancel
          </AppLink>
        }
        onSubmit={() => create.mutate()}
      />
      <UnsavedChanges changed={changed} what="the new model" />
    </Page>
  )
}
