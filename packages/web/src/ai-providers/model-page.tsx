import { useMutation, useQuery } from '@tanstack/react-query'
import { Cpu, Trash2 } from 'lucide-react'
import { useRef, useState } from 'react'

import { type ChatModelConfig, updateChatModelConfig } from '@slipway/contract'
import { api } from '../api/client.ts'
import { modelConfigsQuery, refreshModels } from '../chats/queries.ts'
import { useRouteParam } from '../navigation/address.ts'
import { AppLink, useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { Breadcrumbs } from '../ui/breadcrumbs.tsx'
import { Button, buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorPage } from '../ui/error-notice.tsx'
import { Mark } from '../ui/form.tsx'
import { Page } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { PageSkeleton } from '../ui/skeleton.tsx'
import { toasts } from '../ui/toast.tsx'
import { UnsavedChanges } from '../ui/unsaved-changes.tsx'
import { DeleteModelDialog } from './delete-model-dialog.tsx'
import { Gate } from './gate.tsx'
import { isSameModel, modelDraft, modelRequest } from './model-draft.ts'
import { ModelForm } from './model-form.tsx'
import { modelTitle } from './model-title.ts'
import { providersQuery } from './queries.ts'

/** `/ai/settings/models/{id}`. */
export function AiModelPage() {
  return (
    <Gate what="change models" permission="editDeploymentConfig">
      {() => <Loaded />}
    </Gate>
  )
}

function Loaded() {
  const id = useRouteParam('model')
  const models = useQuery(modelConfigsQuery)
  if (models.data === undefined)
    return models.isError ? (
      <ErrorPage
        title="The model could not be read"
        error={models.error}
        onRetry={() => void models.refetch()}
      />
    ) : (
      <PageSkeleton />
    )
  const model = models.data.find((one) => one.id === id)
  return model === undefined ? (
    <EmptyState
      page
      icon={Cpu}
      title="There is no such model"
      action={
        <AppLink href={paths.aiModels()} className={buttonClass({ tone: 'primary' })}>
          All models
        </AppLink>
      }
    >
      It was deleted, or the address is wrong.
    </EmptyState>
  ) : (
    <Model key={model.id} model={model} />
  )
}

function Model({ model }: { readonly model: ChatModelConfig }) {
  const go = useGo()
  const [doomed, setDoomed] = useState(false)
  const saved = modelDraft(model)
  const [draft, setDraft] = useState(saved)
  const changed = useRef(false)
  const provider = useQuery(providersQuery).data?.find(({ id }) => id === model.ai_provider_id)
  const save = useMutation({
    mutationFn: () =>
      api.call(updateChatModelConfig, { params: { modelConfig: model.id }, body: modelRequest(draft) }),
    onSuccess: async (next) => {
      changed.current = false
      setDraft(modelDraft(next))
      toasts.done(`The model ${modelTitle(next)} was saved`)
      await refreshModels()
    },
  })
  return (
    <Page width="narrow">
      <div className="pb-3">
        <Breadcrumbs above={[{ label: 'Models', href: paths.aiModels() }]} here={modelTitle(model)} />
      </div>
      <PageHeader
        title={modelTitle(model)}
        documentTitle={`${modelTitle(model)} - Models`}
        badge={model.is_default ? <Mark>Default</Mark> : null}
        context={provider === undefined ? model.model : `${model.model} of ${provider.display_name}`}
        actions={
          <>
            <AppLink href={paths.newAiModel({ duplicate: model.id })} className={buttonClass({})}>
              Duplicate
            </AppLink>
            <Button icon={<Trash2 className="size-4" strokeWidth={1.75} />} onClick={() => setDoomed(true)}>
              Delete
            </Button>
          </>
        }
      />
      <ModelForm
        draft={draft}
        onChange={(patch) => {
          const next = { ...draft, ...patch }
          setDraft(next)
          changed.current = !isSameModel(saved, next)
        }}
        stored
        isDefault={model.is_default}
        verb="Save model"
        failure="The model was not saved"
        busy={save.isPending}
        error={save.error}
        cancel={
          isSameModel(saved, draft) ? null : (
            <Button
              onClick={() => {
                setDraft(saved)
                changed.current = false
                save.reset()
              }}
            >
              Discard changes
            </Button>
          )
        }
        onSubmit={() => save.mutate()}
      />
      <UnsavedChanges changed={changed} what={modelTitle(model)} />
      {doomed ? (
        <DeleteModelDialog
          model={model}
          onClose={() => setDoomed(false)}
          onDeleted={() => go(paths.aiModels(), { replace: true })}
        />
      ) : null}
    </Page>
  )
}
