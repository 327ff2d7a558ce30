"""PIDF-LO documents as a telephone or its network writes them (RFC 4119, 5139, 5491), good and bad ones."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

_SRS = 'srsName="urn:ogc:def:crs:EPSG::4326"'  # two numbers, latitude first
_METRES = 'uom="urn:ogc:def:uom:EPSG::9001"'
_DEGREES = 'uom="urn:ogc:def:uom:EPSG::9102"'
_NAMESPACES = (
    'xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" '
    'xmlns:gp="urn:ietf:params:xml:ns:pidf:geopriv10" xmlns:gml="http://www.opengis.net/gml" '
    'xmlns:gs="http://www.opengis.net/pidflo/1.0" '
    'xmlns:ca="urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr"'
)


def document(place: str, *, method: str = "GPS", doctype: str = "") -> str:
    """A whole document around one of the places below."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n{doctype}'
        f'<presence {_NAMESPACES} entity="pres:caller@siaga.invalid">'
        f'<dm:device id="phone"><gp:geopriv><gp:location-info>{place}</gp:location-info>'
        f"<gp:usage-rules/><gp:method>{method}</gp:method></gp:geopriv></dm:device></presence>"
    )


def point(lat: float, lon: float) -> str:
    return f"<gml:Point {_SRS}>{_position(lat, lon)}</gml:Point>"


def circle(lat: float, lon: float, radius_m: float) -> str:
    return (
        f"<gs:Circle {_SRS}>{_position(lat, lon)}"
        f"<gs:radius {_METRES}>{radius_m:.0f}</gs:radius></gs:Circle>"
    )


def ellipse(lat: float, lon: float, major_m: float, minor_m: float, turned: float) -> str:
    """``turned`` is degrees clockwise from north."""
    return (
        f"<gs:Ellipse {_SRS}>{_position(lat, lon)}"
        f"<gs:semiMajorAxis {_METRES}>{major_m:.0f}</gs:semiMajorAxis>"
        f"<gs:semiMinorAxis {_METRES}>{minor_m:.0f}</gs:semiMinorAxis>"
        f"<gs:orientation {_DEGREES}>{turned:.0f}</gs:orientation></gs:Ellipse>"
    )


def polygon(ring: Sequence[tuple[float, float]]) -> str:
    """A ring of (latitude, longitude); it is closed here."""
    positions = "".join(_position(lat, lon) for lat, lon in (*ring, ring[0]))
    return (
        f"<gml:Polygon {_SRS}><gml:exterior><gml:LinearRing>{positions}"
        "</gml:LinearRing></gml:exterior></gml:Polygon>"
    )


def civic(**parts: str) -> str:
    """An address by its parts: ``country="ID", A3="Mandau"``."""
    inside = "".join(f"<ca:{name}>{escape(text)}</ca:{name}>" for name, text in parts.items())
    return f'<ca:civicAddress xml:lang="id">{inside}</ca:civicAddress>'


def _position(lat: float, lon: float) -> str:
    return f"<gml:pos>{lat:.6f} {lon:.6f}</gml:pos>"
