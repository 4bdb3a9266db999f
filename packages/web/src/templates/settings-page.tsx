import { useMutation } from '@tanstack/react-query'
import { Lock } from 'lucide-react'
import { type FormEvent, useState } from 'react'

import { deleteTemplate, updateTemplate } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { fieldError } from '../api/errors.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { useSeveralOrganizations } from '../session/session.tsx'
import { Button } from '../ui/button.tsx'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, LabelledToggle, TextArea, TextInput } from '../ui/form.tsx'
import { IconField } from '../ui/icon-field.tsx'
import { Section } from '../ui/page.tsx'
import { toasts } from '../ui/toast.tsx'
import { useTemplate } from './template-context.ts'

/** How a template is called and what it allows; its removal. */
export function TemplateSettingsPage() {
  const { template, mayUpdate } = useTemplate()
  if (!mayUpdate)
    return (
      <EmptyState icon={Lock} title="You may not change this template">
        Its settings are visible to those who may update it.
      </EmptyState>
    )
  return (
    <div className="flex max-w-3xl flex-col gap-4">
      <General key={template.updated_at} />
      <Removal />
    </div>
  )
}

function General() {
  const { template } = useTemplate()
  const go = useGo()
  const online = useOnline()
  const several = useSeveralOrganizations()
  const stored = {
    name: template.name,
    display_name: template.display_name,
    description: template.description,
    icon: template.icon,
    deprecation_message: template.deprecation_message,
    allow_user_cancel_workspace_jobs: template.allow_user_cancel_workspace_jobs,
    require_active_version: template.require_active_version,
  }
  const [values, setValues] = useState(stored)
  const save = useMutation({
    mutationFn: () =>
      api.call(updateTemplate, {
        params: { template: template.id },
        body: { ...values, name: values.name.trim() },
      }),
    onSuccess: async (saved) => {
      await Promise.all([
        queries.invalidateQueries({ queryKey: ['template'] }),
        queries.invalidateQueries({ queryKey: ['templates'] }),
      ])
      toasts.done('Template saved')
      go(
        paths.template({ name: saved.name, organization_name: saved.organization_name }, several, 'settings'),
        { replace: true },
      )
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!save.isPending) save.mutate()
  }
  const same = JSON.stringify(values) === JSON.stringify(stored)
  const text = (key: 'name' | 'display_name', label: string, help?: string) => (
    <Field label={label} error={fieldError(save.error, key)} help={help}>
      {(field) => (
        <TextInput
          {...field}
          value={values[key]}
          spellCheck={false}
          onChange={(event) => setValues({ ...values, [key]: event.target.value })}
        />
      )}
    </Field>
  )
  return (
    <Section title="General">
      <form onSubmit={submit} className="flex flex-col gap-5">
        <ErrorNotice error={save.error} title="The template was not saved" />
        {text('name', 'Name', 'Used in its address. Links with the old name stop working.')}
        {text('display_name', 'Display name')}
        <Field label="Description" error={fieldError(save.error, 'description')}>
          {(field) => (
            <TextArea
              {...field}
              rows={2}
              value={values.description}
              onChange={(event) => setValues({ ...values, description: event.target.value })}
            />
          )}
        </Field>
        <IconField
          label="Icon"
          error={fieldError(save.error, 'icon')}
          value={values.icon}
          onChange={(icon) => setValues({ ...values, icon })}
        />
        <Field
          label="Deprecation message"
          help="If set, nobody can create new workspaces from this template."
        >
          {(field) => (
            <TextInput
              {...field}
              value={values.deprecation_message}
              onChange={(event) => setValues({ ...values, deprecation_message: event.target.value })}
            />
          )}
        </Field>
        <LabelledToggle
          kind="switch"
          label="Workspace owners may cancel builds"
          help="A canceled build can leave resources behind."
          checked={values.allow_user_cancel_workspace_jobs}
          onChange={(on) => setValues({ ...values, allow_user_cancel_workspace_jobs: on })}
        />
        <LabelledToggle
          kind="switch"
          label="Require the active version"
          checked={values.require_active_version}
          onChange={(on) => setValues({ ...values, require_active_version: on })}
        />
        <div className="flex justify-end">
          <Button type="submit" tone="primary" busy={save.isPending} disabled={!online || same}>
            Save template
          </Button>
        </div>
      </form>
    </Section>
  )
}

function Removal() {
  const { template } = useTemplate()
  const go = useGo()
  const online = useOnline()
  const [asking, setAsking] = useState(false)
  const remove = useMutation({
    mutationFn: () => api.call(deleteTemplate, { params: { template: template.id } }),
    onSuccess: () => {
      go(paths.templates())
      void queries.invalidateQueries({ queryKey: ['templates'] })
      toasts.done(`${template.name} was deleted`)
    },
  })
  return (
    <Section title="Delete">
      <div className="flex flex-wrap items-center gap-x-6 gap-y-3">
        <p className="min-w-0 flex-1 basis-64 text-sm text-ink-2">
          A template can be deleted once no workspace uses it.
        </p>
        <Button tone="danger" disabled={!online} onClick={() => setAsking(true)}>
          Delete template
        </Button>
      </div>
      <ConfirmDialog
        open={asking}
        onClose={() => {
          setAsking(false)
          remove.reset()
        }}
        title={`Delete ${template.name}?`}
        description="All its versions are removed. This cannot be undone."
        verb="Delete template"
        danger
        typedName={template.name}
        busy={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate()}
      />
    </Section>
  )
}
