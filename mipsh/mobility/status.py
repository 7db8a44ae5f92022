"""What a Binding Acknowledgement and a Binding Error say (RFC 6275 sections 6.1.8, 6.1.9; RFC 3963 section 4.2)."""

from enum import IntEnum


class AckStatus(IntEnum):
    """The status of a Binding Acknowledgement; from 128 on the Binding Update was rejected."""

    ACCEPTED = 0
    ACCEPTED_PREFIX_DISCOVERY_NECESSARY = 1
    REASON_UNSPECIFIED = 128
    ADMINISTRATIVELY_PROHIBITED = 129
    INSUFFICIENT_RESOURCES = 130
    HOME_REGISTRATION_NOT_SUPPORTED = 131
    NOT_HOME_SUBNET = 132
    NOT_HOME_AGENT = 133
    DUPLICATE_ADDRESS_DETECTION_FAILED = 134
    SEQUENCE_NUMBER_OUT_OF_WINDOW = 135
    EXPIRED_HOME_NONCE_INDEX = 136
    EXPIRED_CARE_OF_NONCE_INDEX = 137
    EXPIRED_NONCES = 138
    REGISTRATION_TYPE_CHANGE_DISALLOWED = 139
    MOBILE_ROUTER_OPERATION_NOT_PERMITTED = 140
    INVALID_PREFIX = 141
    NOT_AUTHORIZED_FOR_PREFIX = 142
    FORWARDING_SETUP_FAILED = 143
    INVALID_CARE_OF_ADDRESS = 174


class ErrorStatus(IntEnum):
    """The status of a Binding Error."""

    UNKNOWN_BINDING = 1
    UNRECOGNIZED_MESSAGE_TYPE = 2


NONCE_STATUSES = frozenset(
    (AckStatus.EXPIRED_HOME_NONCE_INDEX, AckStatus.EXPIRED_CARE_OF_NONCE_INDEX, AckStatus.EXPIRED_NONCES)
)
"""Rejections that cannot be authenticated, since the tokens are gone (section 9.5.4)."""
