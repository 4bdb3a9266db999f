import { useMutation, useQuery } from '@tanstack/react-query'
import { ArrowUp, Plus, Trash2 } from 'lucide-react'
import { type FormEvent, useRef, useState } from 'react'

import {
  type AnnouncementBanner,
  type AppearanceConfig,
  type AppearanceSettings,
  updateDeploymentAppearance,
} from '@slipway/contract'
import { api } from '../api/client.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { usePermissions } from '../session/session.tsx'
import { Button } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, LabelledToggle, Mark, TextArea, TextInput } from '../ui/form.tsx'
import { IconField } from '../ui/icon-field.tsx'
import { Section } from '../ui/page.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { UnsavedChanges } from '../ui/unsaved-changes.tsx'
import { useInvalidFocus } from '../ui/use-invalid-focus.ts'
import { NoPermission } from '../users/no-permission.tsx'
import { Announcement } from './announcement.tsx'
import { appearanceQuery } from './queries.ts'

/** `/deployment/appearance`: name, logo and announcements of the deployment (UI-1404, OP-154). */
export function DeploymentAppearancePage() {
  const permissions = usePermissions()
  const appearance = useQuery(appearanceQuery)
  if (permissions?.viewDeploymentConfig === false)
    return <NoPermission what="see how the deployment looks" permission="viewDeploymentConfig" />
  if (appearance.data !== undefined)
    return <AppearanceForm stored={appearance.data} mayEdit={permissions?.editDeploymentConfig === true} />
  if (appearance.isError)
    return (
      <ErrorNotice
        error={appearance.error}
        title="The appearance could not be read"
        onRetry={() => void appearance.refetch()}
      />
    )
  return (
    <AfterDelay>
      <div className="skeleton h-64 max-w-3xl rounded-card" />
    </AfterDelay>
  )
}

/** A banner with an identity of its own while it is edited. */
type Draft = AnnouncementBanner & { readonly key: number }

function AppearanceForm({
  stored,
  mayEdit,
}: {
  readonly stored: AppearanceConfig
  readonly mayEdit: boolean
}) {
  const online = useOnline()
  const [name, setName] = useState(stored.application_name)
  const [logo, setLogo] = useState(stored.logo_url)
  const [banners, setBanners] = useState<readonly Draft[]>(() =>
    stored.announcement_banners.map((banner, key) => ({ ...banner, key })),
  )
  const nextKey = useRef(stored.announcement_banners.length)
  const settings: AppearanceSettings = {
    application_name: name.trim(),
    logo_url: logo.trim(),
    announcement_banners: banners.map(({ key: _, ...banner }) => banner),
  }
  const changed = useRef(false)
  changed.current = JSON.stringify(settings) !== JSON.stringify(settingsOf(stored))
  const save = useMutation({
    mutationFn: () => api.call(updateDeploymentAppearance, { body: settings }),
    onSuccess: () => {
      changed.current = false
      // The name stands in places that were drawn long ago.
      location.reload()
    },
  })
  const form = useInvalidFocus(save.error)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!save.isPending) save.mutate()
  }
  const change = (key: number, next: Partial<AnnouncementBanner>) =>
    setBanners(banners.map((banner) => (banner.key === key ? { ...banner, ...next } : banner)))
  return (
    <form ref={form} onSubmit={submit} className="flex max-w-3xl flex-col gap-4">
      <ErrorNotice error={save.error} title="The appearance was not saved" />
      <fieldset disabled={!mayEdit} className="contents">
        <Section title="Name and logo" help="They stand on every page, on the sign-in page and in messages.">
          <div className="flex flex-col gap-5">
            <Field label="Application name" help="Left empty, it is Slipway." marks={<Mark>optional</Mark>}>
              {(field) => (
                <TextInput
                  {...field}
                  maxLength={64}
                  autoComplete="off"
                  placeholder="Slipway"
                  value={name}
                  onChange={(event) => setName(event.target.value)}
                />
              )}
            </Field>
            <IconField label="Logo" value={logo} onChange={setLogo} />
          </div>
        </Section>
        <Section title="Announcements" help="Shown above every page to everybody who is signed in.">
          <div className="flex flex-col gap-5">
            {banners.map((banner, index) => (
              <BannerFields
                key={banner.key}
                banner={banner}
                position={index + 1}
                onChange={(next) => change(banner.key, next)}
                onRemove={() => setBanners(banners.filter(({ key }) => key !== banner.key))}
                onUp={index === 0 ? undefined : () => setBanners(movedUp(banners, index))}
              />
            ))}
            <div>
              <Button
                icon={<Plus className="size-4" />}
                disabled={banners.length >= MOST_BANNERS}
                onClick={() => {
                  setBanners([
                    ...banners,
                    { key: nextKey.current, enabled: true, message: '', background_color: FIRST_COLOUR },
                  ])
                  nextKey.current += 1
                }}
              >
                Add announcement
              </Button>
            </div>
          </div>
        </Section>
        {mayEdit ? (
          <div className="flex justify-end">
            <Button type="submit" tone="primary" busy={save.isPending} disabled={!online || !changed.current}>
              Save appearance
            </Button>
          </div>
        ) : null}
      </fieldset>
      <UnsavedChanges changed={changed} what="the appearance" />
    </form>
  )
}

const MOST_BANNERS = 16
/** What the server takes, in its own length. */
const LONGEST_MESSAGE = 3_000
const FIRST_COLOUR = '#1f6f6b'

function settingsOf({
  application_name,
  logo_url,
  announcement_banners,
}: AppearanceConfig): AppearanceSettings {
  return { application_name, logo_url, announcement_banners }
}

function movedUp(banners: readonly Draft[], index: number): readonly Draft[] {
  const moved = banners[index]
  const above = banners[index - 1]
  if (moved === undefined || above === undefined) return banners
  return [...banners.slice(0, index - 1), moved, above, ...banners.slice(index + 1)]
}

function BannerFields({
  banner,
  position,
  onChange,
  onRemove,
  onUp,
}: {
  readonly banner: AnnouncementBanner
  readonly position: number
  readonly onChange: (next: Partial<AnnouncementBanner>) => void
  readonly onRemove: () => void
  readonly onUp: (() => void) | undefined
}) {
  const { enabled, message, background_color: colour } = banner
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset here would be one without a legend that is seen
    <div
      role="group"
      aria-label={`Announcement ${position}`}
      className="flex flex-col gap-4 border-b border-line pb-5"
    >
      <div className="overflow-hidden rounded-control border border-line" aria-hidden={message.trim() === ''}>
        <Announcement banner={{ ...banner, message: message.trim() === '' ? 'Preview' : message }} />
      </div>
      <Field label="Message" help="Markdown in one line: emphasis, code and links." required>
        {(field) => (
          <TextArea
            {...field}
            rows={2}
            maxLength={LONGEST_MESSAGE}
            value={message}
            onChange={(event) => onChange({ message: event.target.value })}
          />
        )}
      </Field>
      <div className="flex flex-wrap items-end gap-x-6 gap-y-3">
        <Field label="Color">
          {(field) => (
            <input
              {...field}
              type="color"
              value={colour}
              onChange={(event) => onChange({ background_color: event.target.value })}
              className="h-8 w-16 cursor-pointer rounded-control border border-line-strong bg-surface p-1 pointer-coarse:h-10"
            />
          )}
        </Field>
        <LabelledToggle
          kind="switch"
          label="Shown"
          checked={enabled}
          onChange={(next) => onChange({ enabled: next })}
        />
        <span className="ml-auto flex gap-2">
          {onUp === undefined ? null : (
            <Button tone="quiet" icon={<ArrowUp className="size-4" />} onClick={onUp}>
              Move up
            </Button>
          )}
          <Button tone="quiet" icon={<Trash2 className="size-4" />} onClick={onRemove}>
            Remove
          </Button>
        </span>
      </div>
    </div>
  )
}
