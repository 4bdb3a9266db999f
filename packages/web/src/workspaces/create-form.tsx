import { useMutation, useQuery } from '@tanstack/react-query'
import { Dices } from 'lucide-react'
import { type FormEvent, useEffect, useRef, useState } from 'react'

import { createWorkspace, type Template, type TemplateVersion } from '@slipway/contract'
import { api } from '../api/client.ts'
import { describeError, fieldError } from '../api/errors.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { AppLink, useGo } from '../navigation/app-link.tsx'
import { FaultSummary, formFaults, ParameterFields } from '../parameters/parameter-fields.tsx'
import { useParameterForm } from '../parameters/use-parameter-form.ts'
import { paths } from '../paths.ts'
import { useSeveralOrganizations, useUser } from '../session/session.tsx'
import { presetsQuery, templateTitle } from '../templates/queries.ts'
import { Button, buttonClass } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, Select, TextInput } from '../ui/form.tsx'
import { Notice } from '../ui/notice.tsx'
import { Section } from '../ui/page.tsx'
import { Spinner } from '../ui/spinner.tsx'
import { LinkConsent } from './link-consent.tsx'
import { OwnerField } from './owner-field.tsx'
import { refreshWorkspace } from './queries.ts'
import { RequiredConnections, useRequiredConnections } from './required-connections.tsx'
import { useLinkConsent } from './use-link-consent.ts'
import { nameFault, suggestName } from './workspace-name.ts'

interface CreateFormProps {
  readonly template: Template
  readonly version: TemplateVersion
  readonly name: string | undefined
  readonly preset: string | undefined
  /** Values given by the address or a copied workspace. */
  readonly values: Readonly<Record<string, string>>
  readonly origins: ReadonlyMap<string, string>
  readonly locked: ReadonlySet<string>
  /** A link asks for the workspace at once: what it says about parameters, and why it may not have its way. */
  readonly link?: { readonly values: Readonly<Record<string, string>>; readonly obstacle: string | undefined }
}

/** Name, preset and parameters of a new workspace (UI-732 to UI-739). */
export function CreateForm({
  template,
  version,
  name: given,
  preset: wanted,
  values,
  origins,
  locked,
  link,
}: CreateFormProps) {
  const versionId = version.id
  const user = useUser()
  const go = useGo()
  const online = useOnline()
  const several = useSeveralOrganizations()
  const [owner, setOwner] = useState({ id: user.id, username: user.username })
  const [suggested] = useState(suggestName)
  const [name, setName] = useState(given ?? suggested)
  const [attempted, setAttempted] = useState(false)
  const nameInput = useRef<HTMLInputElement>(null)
  const element = useRef<HTMLFormElement>(null)
  const { form, view, error } = useParameterForm(versionId, owner.id, values)
  const connections = useRequiredConnections(versionId, owner.id)
  const presets = useQuery(presetsQuery(versionId))
  const [presetId, setPresetId] = useState<string>()
  const preset = presets.data?.find(({ ID }) => ID === presetId)

  // The preset of the address, else the template's default one, applies once.
  const unknownPreset =
    wanted !== undefined && presets.data !== undefined && !presets.data.some(({ Name }) => Name === wanted)
  const choosePreset = (id: string) => {
    setPresetId(id)
    const chosen = presets.data?.find(({ ID }) => ID === id)
    if (chosen !== undefined)
      form.setAll(Object.fromEntries(chosen.Parameters.map(({ Name, Value }) => [Name, Value])))
  }
  const first = presets.data?.find(({ Name, Default }) =>
    wanted === undefined ? Default : Name === wanted,
  )?.ID
  const applied = useRef(false)
  useEffect(() => {
    if (first === undefined || applied.current) return
    applied.current = true
    choosePreset(first)
  })

  const create = useMutation({
    mutationFn: async () => {
      // What is on screen is what is sent, so the answer to the newest input has to be here (UI-734).
      await form.settled()
      if (formFaults(form.view()).length > 0) return undefined
      return api.call(createWorkspace, {
        params: { user: owner.id },
        body: {
          name: name.trim(),
          ...(versionId === template.active_version_id
            ? { template_id: template.id }
            : { template_version_id: versionId }),
          ...(presetId === undefined || presetId === '' ? {} : { template_version_preset_id: presetId }),
          rich_parameter_values: form.submission(),
        },
      })
    },
    onSuccess: (workspace) => {
      if (workspace === undefined) {
        element.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
        return
      }
      refreshWorkspace(workspace)
      go(paths.workspace(workspace.owner_name, workspace.name))
    },
    onError: (thrown) => {
      if (fieldError(thrown, 'name') !== undefined) nameInput.current?.focus()
    },
  })
  const wrongName = attempted ? nameFault(name.trim()) : undefined
  const attempt = () => {
    setAttempted(true)
    if (nameFault(name.trim()) !== undefined) nameInput.current?.focus()
    else if (!create.isPending && connections.missing.length === 0) create.mutate()
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    attempt()
  }
  const unread = error ?? presets.error ?? connections.error
  const consent = useLinkConsent(
    link !== undefined,
    unread !== null || (view.parameters !== undefined && presets.data !== undefined && connections.known),
    link?.obstacle ??
      (unread !== null
        ? `What the template asks for could not be read: ${describeError(unread).message}`
        : undefined) ??
      (unknownPreset ? `This version of ${template.name} has no preset “${wanted}”.` : undefined) ??
      (connections.missing.length > 0
        ? `${titles(connections.missing)} must be connected first.`
        : undefined),
  )
  const presetOwned = new Set(preset?.Parameters.map(({ Name }) => Name) ?? [])
  const overridden = [...presetOwned].filter((key) => values[key] !== undefined)
  return (
    <form ref={element} onSubmit={submit} noValidate className="flex flex-col gap-4">
      <ErrorNotice error={create.error} title="The workspace was not created" />
      {consent.reason === undefined ? null : (
        <Notice tone="warn" title="The link could not create the workspace by itself">
          {consent.reason} The form below has what the link says.
        </Notice>
      )}
      {consent.asking && link !== undefined ? (
        <LinkConsent
          template={templateTitle(template)}
          name={name.trim()}
          preset={preset?.Name}
          values={link.values}
          onAccept={() => {
            consent.answer()
            attempt()
          }}
          onDecline={consent.answer}
        />
      ) : null}
      {attempted && !create.isPending ? (
        <FaultSummary
          view={view}
          others={wrongName === undefined ? [] : [{ id: 'workspace-name', title: 'Name', fault: wrongName }]}
        />
      ) : null}
      <Section title="General">
        <div id="workspace-name" className="flex scroll-mt-24 flex-col gap-6">
          <Field
            label="Name"
            error={wrongName ?? fieldError(create.error, 'name')}
            help="Used in its address and its SSH host name."
          >
            {(field) => (
              <div className="flex gap-2">
                <TextInput
                  {...field}
                  ref={nameInput}
                  autoFocus
                  autoComplete="off"
                  spellCheck={false}
                  maxLength={64}
                  value={name}
                  onChange={(event) => setName(event.target.value)}
                  onFocus={(event) => event.target.select()}
                />
                <Button
                  size="icon"
                  aria-label="Suggest another name"
                  title="Suggest another name"
                  onClick={() => setName(suggestName())}
                  icon={<Dices className="size-4" strokeWidth={1.75} />}
                />
              </div>
            )}
          </Field>
          <OwnerField organizationId={template.organization_id} owner={owner} onChange={setOwner} />
          {versionId === template.active_version_id ? null : (
            <p className="text-sm text-ink-2">
              Version <b className="font-medium text-ink">{version.name}</b>, which is not the active one.
            </p>
          )}
          {presets.data === undefined || presets.data.length === 0 ? null : (
            <Field label="Preset" help={preset?.Description}>
              {(field) => (
                <Select
                  {...field}
                  value={presetId ?? ''}
                  options={[
                    { value: '', label: 'None' },
                    ...presets.data.map(({ ID, Name, Default }) => ({
                      value: ID,
                      label: Default ? `${Name} (default)` : Name,
                    })),
                  ]}
                  onChange={(event) => choosePreset(event.target.value)}
                />
              )}
            </Field>
          )}
          {unknownPreset ? (
            <Notice tone="bad" title={`This version of ${template.name} has no preset “${wanted}”`}>
              Choose another one, or continue without.
            </Notice>
          ) : null}
          {overridden.length > 0 ? (
            <Notice tone="info" title={`The preset sets ${overridden.join(', ')}`}>
              The link’s values for these parameters are not used.
            </Notice>
          ) : null}
        </div>
      </Section>
      <RequiredConnections connections={connections} owner={owner} />
      {error === undefined ? null : <ErrorNotice error={error} title="The parameters could not be read" />}
      {view.parameters?.length === 0 && view.diagnostics.length === 0 ? null : (
        <Section title="Parameters">
          <ParameterFields
            form={form}
            view={view}
            strict={attempted}
            hidden={presetOwned}
            locked={(parameter) =>
              locked.has(parameter.name) ? 'The link does not allow a change here.' : undefined
            }
            origin={(key) => (presetOwned.has(key) ? 'Preset' : origins.get(key))}
          />
        </Section>
      )}
      <div className="sticky bottom-0 -mx-4 flex items-center justify-end gap-3 border-t border-line bg-bg px-4 py-3 sm:-mx-6 sm:px-6 lg:mx-0 lg:px-0">
        <span role="status" className="mr-auto flex items-center gap-1.5 text-sm text-ink-2">
          {view.validating ? (
            <>
              <Spinner /> Checking the values
            </>
          ) : connections.missing.length > 0 ? (
            `Connect ${titles(connections.missing)} first.`
          ) : null}
        </span>
        <AppLink href={paths.template(template, several)} className={buttonClass({})}>
          Cancel
        </AppLink>
        <Button
          type="submit"
          tone="primary"
          busy={create.isPending}
          disabled={!online || view.parameters === undefined || connections.missing.length > 0}
        >
          Create workspace
        </Button>
      </div>
    </form>
  )
}

function titles(providers: readonly { readonly display_name: string }[]): string {
  return providers.map(({ display_name: title }) => title).join(' and ')
}
