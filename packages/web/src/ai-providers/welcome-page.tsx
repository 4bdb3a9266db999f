import { useMutation, useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'

import {
  type AIProviderType,
  createAIProvider,
  createChatModelConfig,
  updateAIProvider,
} from '@slipway/contract'
import { api } from '../api/client.ts'
import { describeError, fieldError } from '../api/errors.ts'
import { useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { usePermissions } from '../session/session.tsx'
import { StandAlonePage } from '../session/stand-alone-page.tsx'
import { Button } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, PasswordInput, Select, TextInput } from '../ui/form.tsx'
import { PageSkeleton } from '../ui/skeleton.tsx'
import { fromKnown, knownModels, modelRequest, NEW_MODEL } from './model-draft.ts'
import { newProvider, providerCreation } from './provider-draft.ts'
import { PROVIDER_KINDS, providerKind } from './provider-types.ts'
import { providersQuery, refreshProviders } from './queries.ts'

/** Types that a key and an address are enough for; the others have pages of their own. */
const SIMPLE = PROVIDER_KINDS.filter(({ credentials, forAgents }) => credentials === 'keys' && forAgents)

/** `/welcome`: right after the first account, a model provider and its default model. Everything can wait. */
export function WelcomePage() {
  const go = useGo()
  const permissions = usePermissions()
  const mayAdd = permissions?.viewAnyAIProvider === true && permissions.editDeploymentConfig
  const providers = useQuery({ ...providersQuery, enabled: mayAdd })
  const known = providers.data ?? []
  const leave = () => go(paths.templates(), { replace: true })
  if (permissions === undefined) return <PageSkeleton />
  return (
    <StandAlonePage
      title={mayAdd && known.length === 0 ? 'Connect a model' : 'You are set up'}
      context={
        mayAdd && known.length > 0
          ? `Models come from ${known.map(({ display_name: name }) => name).join(', ')}. You can add more in the AI settings.`
          : mayAdd
            ? 'Agents work in your workspaces, with models from a provider that you choose. One API key is enough to start.'
            : 'An administrator connects the models that agents use.'
      }
    >
      {!mayAdd || known.length > 0 ? (
        <Button tone="primary" onClick={leave}>
          Continue to templates
        </Button>
      ) : (
        <ConnectForm onLeave={leave} />
      )}
    </StandAlonePage>
  )
}

function ConnectForm({ onLeave }: { readonly onLeave: () => void }) {
  const go = useGo()
  const [type, setType] = useState<AIProviderType>('anthropic')
  const kind = providerKind(type)
  const models = knownModels(type)
  const [address, setAddress] = useState<string>()
  const [key, setKey] = useState('')
  const [typedModel, setModel] = useState<string>()
  const model = typedModel ?? models[0]?.model ?? ''
  const baseUrl = address ?? kind.baseUrl
  /** Made by an earlier try that got no further. */
  const [made, setMade] = useState<string>()
  const connect = useMutation({
    mutationFn: async () => {
      const draft = {
        ...newProvider(type),
        base_url: baseUrl,
        keys: [{ key: 0, text: key }],
      }
      const provider =
        made === undefined
          ? await api.call(createAIProvider, { body: providerCreation(draft) })
          : await api.call(updateAIProvider, {
              params: { idOrName: made },
              body: {
                base_url: baseUrl,
                ...(key.trim() === '' ? {} : { api_keys: [{ api_key: key.trim() }] }),
              },
            })
      setMade(provider.id)
      const known = models.find((one) => one.model === model)
      const config = { ...NEW_MODEL, provider: provider.id, model, is_default: true }
      await api.call(createChatModelConfig, {
        body: modelRequest(known === undefined ? config : fromKnown(config, known)),
      })
    },
    onSuccess: async () => {
      await refreshProviders()
      go(paths.agents(), { replace: true })
    },
  })
  const refusedKey =
    connect.error === null
      ? undefined
      : describeError(connect.error).validations.find(({ field }) => field.startsWith('api_keys'))?.detail
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!connect.isPending) connect.mutate()
  }
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <ErrorNotice error={connect.error} title="The model was not connected" />
      <Field label="Provider">
        {(field) => (
          <Select
            {...field}
            disabled={made !== undefined}
            value={type}
            options={SIMPLE.map(({ type: value, label }) => ({ value, label }))}
            onChange={(event) => {
              setType(SIMPLE.find((one) => one.type === event.target.value)?.type ?? type)
              setAddress(undefined)
              setModel(undefined)
              connect.reset()
            }}
          />
        )}
      </Field>
      {kind.baseUrl !== '' ? null : (
        <Field label="Base URL" help={kind.baseHelp} error={fieldError(connect.error, 'base_url')}>
          {(field) => (
            <TextInput
              {...field}
              required
              inputMode="url"
              autoComplete="off"
              spellCheck={false}
              className="font-mono"
              placeholder={kind.basePlaceholder}
              value={baseUrl}
              onChange={(event) => setAddress(event.target.value)}
            />
          )}
        </Field>
      )}
      <Field
        label="API key"
        error={refusedKey}
        help={
          type === 'openai-compat'
            ? 'Leave empty if the server needs none.'
            : 'Stored encrypted and never shown again.'
        }
      >
        {(field) => (
          <PasswordInput
            {...field}
            required={type !== 'openai-compat'}
            autoComplete="off"
            className="font-mono"
            placeholder={kind.keyPlaceholder}
            value={key}
            onChange={(event) => setKey(event.target.value)}
          />
        )}
      </Field>
      <Field
        label="Default model"
        error={fieldError(connect.error, 'model')}
        help="You can add others at any time."
      >
        {(field) =>
          models.length === 0 ? (
            <TextInput
              {...field}
              required
              autoComplete="off"
              spellCheck={false}
              className="font-mono"
              placeholder="Model id"
              value={model}
              onChange={(event) => setModel(event.target.value)}
            />
          ) : (
            <Select
              {...field}
              value={model}
              options={models.map((one) => ({ value: one.model, label: one.name }))}
              onChange={(event) => setModel(event.target.value)}
            />
          )
        }
      </Field>
      <div className="mt-2 flex flex-col gap-2">
        <Button type="submit" tone="primary" busy={connect.isPending}>
          Connect
        </Button>
        <Button tone="quiet" onClick={onLeave}>
          Not now
        </Button>
      </div>
      <p className="text-xs text-ink-2">For Amazon Bedrock and others, go to AI settings later.</p>
    </form>
  )
}
