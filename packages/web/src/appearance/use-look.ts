import { queryOptions, useMutation, useQuery } from '@tanstack/react-query'
import { useEffect } from 'react'

import { getAppearance, getPreferences, updateAppearance } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { fontChoice, themeChoice, visionChoice } from '../theme/theme.ts'
import { toasts } from '../ui/toast.tsx'
import { type Look, lookOf, settingsOf } from './wire.ts'

const ME = { user: 'me' } as const

const appearanceQuery = queryOptions({
  queryKey: ['appearance'],
  queryFn: ({ signal }) => api.call(getAppearance, { params: ME, signal }),
  staleTime: Number.POSITIVE_INFINITY,
})

/** Habits of the viewer (ID-201). */
export const preferencesQuery = queryOptions({
  queryKey: ['preferences'],
  queryFn: ({ signal }) => api.call(getPreferences, { params: ME, signal }),
})

function show({ theme, vision, font }: Look): void {
  if (theme !== themeChoice.get()) themeChoice.set(theme)
  if (vision !== visionChoice.get()) visionChoice.set(vision)
  if (font !== fontChoice.get()) fontChoice.set(font)
}

const shown = (): Look => ({ theme: themeChoice.get(), vision: visionChoice.get(), font: fontChoice.get() })

/** Takes the look of the account, which may have been chosen on another device. Until it comes, this device's shows. */
export function useAccountLook(): void {
  const { data } = useQuery(appearanceQuery)
  useEffect(() => {
    const look = data === undefined ? undefined : lookOf(data)
    if (look !== undefined) show(look)
  }, [data])
}

/** Changes the look: at once here, and for the account; back again, with the reason, when the server refuses (UI-2106). */
export function useChangeLook(): (change: Partial<Look>) => void {
  const { mutate } = useMutation({
    // One after the other, and each sends what shows then: the last choice is the one that stays.
    scope: { id: 'appearance' },
    mutationFn: (_before: Look) => api.call(updateAppearance, { params: ME, body: settingsOf(shown()) }),
    onSuccess: (saved) => queries.setQueryData(appearanceQuery.queryKey, saved),
    onError: (error, before) => {
      show(before)
      toasts.failed('The look was not saved', error)
    },
  })
  return (change) => {
    const before = shown()
    show({ ...before, ...change })
    mutate(before)
  }
}
