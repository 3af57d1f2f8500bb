import { Module } from '@nestjs/common';
import { CONFIG } from '../common/tokens.js';
import type { Config } from '../config.js';
import { UpstreamProvider } from './upstream/upstream.provider.js';
import { ApnsProvider } from './apns/apns.provider.js';
import { FcmProvider } from './fcm/fcm.provider.js';
import { HmsProvider } from './hms/hms.provider.js';
import type { Provider, ProviderName } from './provider.js';
import { SandboxProvider } from './sandbox/sandbox.provider.js';
import { WnsProvider } from './wns/wns.provider.js';
import { WebPushProvider } from './web-push/web-push.provider.js';

export const PROVIDERS = Symbol('providers');
export type Providers = Readonly<Record<ProviderName, Provider>>;

@Module({
  providers: [
    {
      provide: PROVIDERS,
      inject: [CONFIG],
      useFactory: (config: Config): Providers => {
        const production = config.environment === 'production';
        const egress = { ca: config.providerCa, proxy: config.proxy };
        return {
          apns: new ApnsProvider({ ...config.apns, ...egress }),
          fcm: new FcmProvider({ ...config.fcm, production, ...egress }),
          wns: new WnsProvider({ ...config.wns, ...egress }),
          hms: new HmsProvider({ ...config.hms, ...egress }),
          'web-push': new WebPushProvider({ ...config.webPush, ...egress }),
          sandbox: new SandboxProvider(),
          upstream: new UpstreamProvider({ ...config.upstream, production, ...egress }),
        };
      },
    },
  ],
  exports: [PROVIDERS],
})
export class ProvidersModule {}
