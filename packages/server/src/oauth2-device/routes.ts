import * as contract from '@slipway/contract'
import { type BoundRoute, forAnyone } from '../edge/index.ts'
import { behindExperiments } from '../experiments/index.ts'
import { authorizeDevice } from './authorize-device.ts'
import { type DeviceParts, decideDevice, showDevicePage, verifyUserCode } from './decide-device.ts'

/** Bytes: forms are small. */
const BODY_LIMIT = 16 * 1024
/** Devices that may start the flow, from one address. */
const STARTS_PER_MINUTE = 60

/** The flow for devices that cannot show a browser (RFC 8628; OA-B12), without its polls, which the token endpoint answers. */
export function oauthDeviceRoutes(parts: DeviceParts): BoundRoute[] {
  const small = { bodyLimit: BODY_LIMIT }
  return behindExperiments(
    parts.context,
    ['oauth2'],
    [
      forAnyone(
        contract.authorizeOAuth2Device,
        (incoming) => authorizeDevice(parts, incoming, incoming.bytes),
        {
          ...small,
          perMinute: STARTS_PER_MINUTE,
        },
      ),
      forAnyone(contract.showOAuth2DevicePage, (incoming) =>
        showDevicePage(parts, incoming, incoming.query.user_code),
      ),
      forAnyone(
        contract.verifyOAuth2UserCode,
        (incoming) => verifyUserCode(parts, incoming, incoming.bytes),
        small,
      ),
      forAnyone(
        contract.decideOAuth2Device,
        (incoming) => decideDevice(parts, incoming, incoming.bytes),
        small,
      ),
    ],
  )
}
