import { Injectable, createParamDecorator } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ReceiptKeys } from '../../applications/receipt-keys.js';
import { isReceiptToken } from '../../applications/receipt-token.js';
import type { DeliveryOfToken } from '../../applications/receipt-token.js';
import { deadToken, parseBearer } from '../../auth/bearer.js';
import { A_DEVICE, ScopeGuard } from '../../auth/scope.guard.js';
import type { AuthorizedRequest } from '../../auth/scope.guard.js';
import { Door } from '../../limits/door.js';

type ReceiptRequest = AuthorizedRequest & { delivery?: DeliveryOfToken };

/** Takes the receipt token of a delivery, for receipts of this delivery alone, and else what ScopeGuard takes. */
@Injectable()
export class ReceiptGuard implements CanActivate {
  constructor(
    private readonly scopes: ScopeGuard,
    private readonly keys: ReceiptKeys,
    private readonly door: Door,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<ReceiptRequest>();
    const { authorization } = request.headers;
    const token = authorization === undefined ? '' : parseBearer(authorization);
    if (!isReceiptToken(token)) return this.scopes.canActivate(context);
    const { applicationId = '', messageId = '' } = request.params as Record<string, string | undefined>;
    const delivery = await this.keys.read(applicationId, messageId, token);
    if (!delivery) throw deadToken();
    request.delivery = delivery;
    request.authorized = A_DEVICE;
    this.door.enter(context.switchToHttp().getResponse<FastifyReply>(), null, applicationId);
    return true;
  }
}

/** Parameter: the delivery of the receipt token; undefined for every other caller. */
export const ByDelivery = createParamDecorator(
  (_: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<ReceiptRequest>().delivery,
);
